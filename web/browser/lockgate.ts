// The binary as a person uses it: its command line, and a server over a project.
import { execFile, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ENVIRONMENT = { ...process.env, LOCKGATE_ACTOR: "ada", HOOK_URL: "http://127.0.0.1:9/hook" };
const binary = () => process.env.LOCKGATE_BINARY as string;

/** Runs a command and gives its output; an exit code that is not allowed is an error. */
export function lockgate(project: string, words: string[], allowed = [0]): Promise<string> {
  return new Promise((done, fail) => {
    const options = { cwd: project, env: ENVIRONMENT, maxBuffer: 64 << 20 };
    execFile(binary(), words, options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : -1) : 0;
      if (allowed.includes(code)) done(stdout);
      else fail(new Error(`\`lockgate ${words.join(" ")}\` ended with ${code}\n${stdout.slice(-2000)}\n${stderr}`));
    });
  });
}

export interface Serving {
  url: string;
  project: string;
  /** What alerts told, as it came. */
  told: string[];
  stop: () => Promise<void>;
}

/** A server over a copy of the played project, which goes when it is stopped. */
export async function serve(words: string[] = []): Promise<Serving> {
  const home = mkdtempSync(join(tmpdir(), "lockgate-serving-"));
  const project = join(home, "flights");
  cpSync(process.env.LOCKGATE_PROJECT as string, project, { recursive: true });
  const told: string[] = [];
  const hook = await listen(told);
  const child = spawn(binary(), ["serve", "--bind", "127.0.0.1:0", "--json", ...words], {
    cwd: project,
    env: { ...ENVIRONMENT, HOOK_URL: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  const first = await new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout }).once("line", done);
    child.once("exit", (code) => fail(new Error(`\`lockgate serve\` ended with ${code}\n${errors}`)));
  });
  return {
    url: (JSON.parse(first) as { url: string }).url.replace(/\/$/, ""),
    project,
    told,
    stop: async () => {
      child.kill("SIGINT");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(late);
      hook.close();
      hook.closeAllConnections();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Where alerts go. */
function listen(told: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      told.push(body);
      response.end("ok");
    });
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}
