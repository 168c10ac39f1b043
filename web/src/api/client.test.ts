import { afterEach, describe, expect, it, vi } from "vitest";
import { assets, cancelRun, columnLineage, idempotencyKey, lineage, publish, signOut, startRun } from "./client";
import { ApiProblem } from "./problem";

function answer(body: BodyInit | null, init: ResponseInit = {}) {
  const sent = vi.fn<(request: Request) => Promise<Response>>(() => Promise.resolve(new Response(body, init)));
  vi.stubGlobal("fetch", sent);
  return sent;
}
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
const JSON_TYPE = { "content-type": "application/json" };

afterEach(() => vi.unstubAllGlobals());

describe("requests", () => {
  const pathOf = (request: Request | undefined) => request?.url.slice(location.origin.length);
  it("leave empty parameters out", async () => {
    const sent = answer('{"items":[],"next":null,"total":0}', { headers: JSON_TYPE });
    await assets({ search: "", state: null, limit: 100, descending: false });
    await columnLineage(["a.b", "c.d"]);
    expect(pathOf(sent.mock.calls[0]?.[0])).toBe("/api/v1/assets?limit=100");
    expect(pathOf(sent.mock.calls[1]?.[0])).toBe("/api/v1/lineage/columns?assets=a.b%2Cc.d");
  });
  it("escape names in paths", async () => {
    const sent = answer("{}", { headers: JSON_TYPE });
    await publish("a/../b", 3, "looked at it", "key-3");
    expect(pathOf(sent.mock.calls[0]?.[0])).toBe("/api/v1/gates/a%2F..%2Fb/publish");
  });
  it("say JSON on every unsafe method, also without a body", async () => {
    const sent = answer(null, { status: 204 });
    await signOut();
    await cancelRun("r-1");
    for (const [request] of sent.mock.calls) expect(request.headers.get("content-type")).toBe("application/json");
  });
  it("have no content type and no body when they read", async () => {
    const sent = answer('{"items":[],"next":null,"total":0}', { headers: JSON_TYPE });
    await assets({ search: "x" });
    const request = sent.mock.calls[0]?.[0];
    expect(request?.body).toBeNull();
    expect(request?.headers.has("content-type")).toBe(false);
  });
  it("start a run under the form's own key, once, even when the answer is an error", async () => {
    const sent = answer("", { status: 503 });
    expect(await caught(startRun({ selectors: ["mart"] }, "key-1"))).toBeInstanceOf(ApiProblem);
    expect(sent).toHaveBeenCalledOnce();
    expect(sent.mock.calls[0]?.[0].headers.get("idempotency-key")).toBe("key-1");
  });
});

describe("keys", () => {
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  it("are UUIDs, each its own", () => {
    expect(idempotencyKey()).toMatch(shape);
    expect(idempotencyKey()).not.toBe(idempotencyKey());
  });
  it("are made without randomUUID too", () => {
    vi.stubGlobal("crypto", { getRandomValues: (bytes: Uint8Array) => bytes.fill(255) });
    expect(idempotencyKey()).toMatch(shape);
  });
});

describe("errors", () => {
  it("carry the diagnostics of a problem document", async () => {
    const problem = {
      type: "about:blank",
      title: "the reason is too short",
      status: 422,
      diagnostics: [
        { code: "LG0412", severity: "error", message: "a reason has at least 8 letters", hint: "say what you looked at" },
      ],
    };
    answer(JSON.stringify(problem), { status: 422, headers: { "content-type": "application/problem+json" } });
    const error = (await caught(publish("mart.daily", 7, "ok", "key-2"))) as ApiProblem;
    expect(error).toBeInstanceOf(ApiProblem);
    expect([error.status, error.title, error.diagnostics[0]?.code]).toEqual([422, "the reason is too short", "LG0412"]);
  });
  it("become a sentence when a proxy answers in HTML", async () => {
    answer("<html>", { status: 502, statusText: "Bad Gateway", headers: { "content-type": "text/html" } });
    const error = (await caught(lineage({}))) as ApiProblem;
    expect([error.status, error.title, error.diagnostics]).toEqual([502, "Bad Gateway", []]);
  });
  it("survive a broken problem document", async () => {
    answer("{", { status: 500, headers: { "content-type": "application/problem+json" } });
    expect(((await caught(lineage({}))) as ApiProblem).title).toBe("the server answered 500");
  });
  it("say so when a good answer is no JSON", async () => {
    answer("<html>", { status: 200 });
    expect(((await caught(lineage({}))) as ApiProblem).title).toBe("the server's answer is not JSON");
  });
  it("have a hint when there is no answer at all", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed to fetch")));
    const error = (await caught(lineage({}))) as ApiProblem;
    expect([error.status, error.title]).toEqual([0, "the server does not answer"]);
    expect(error.diagnostics[0]?.hint).toContain("lockgate serve");
  });
  it("leave a cancelled request what it is", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new DOMException("stopped", "AbortError")));
    expect(await caught(lineage({}))).toBeInstanceOf(DOMException);
  });
});
