import type { Diagnostic, Problem } from "./types";

/** What the API answers when it refuses or fails: a problem document with the diagnostics that the command line would print. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string | undefined;
  readonly diagnostics: Diagnostic[];

  constructor(problem: { [Key in keyof Problem]?: Problem[Key] | undefined } & { status: number }) {
    super(problem.detail ?? problem.title ?? `the server answered ${problem.status}`);
    this.name = "ApiProblem";
    this.status = problem.status;
    this.title = problem.title ?? `the server answered ${problem.status}`;
    this.detail = problem.detail ?? undefined;
    this.diagnostics = problem.diagnostics ?? [];
  }
}

/** Reads a failed response. A proxy or a crash may answer in HTML or not at all, which must still become a sentence. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("json")) {
    try {
      const body = (await response.json()) as Partial<Problem>;
      return new ApiProblem({ ...body, status: response.status });
    } catch {
      // Not the JSON it claimed to be; the status line is all there is.
    }
  }
  return new ApiProblem({ status: response.status, title: response.statusText || undefined });
}

/** The request never got an answer. */
export const unreachable = (cause: unknown): ApiProblem =>
  new ApiProblem({
    status: 0,
    title: "the server does not answer",
    detail: cause instanceof Error ? cause.message : undefined,
    diagnostics: [
      {
        code: "",
        severity: "error",
        message: "no answer from the server",
        place: null,
        expected: null,
        hint: "is `lockgate serve` still running? The page tries again by itself once it is.",
      },
    ],
  });
