import { query } from "../../api/client";

const ENDINGS = { csv: "csv", json: "json", arrow: "arrow" } as const;

/** Asks for the whole result and hands it to the browser as a file. It is held in memory on the way: the answer to a POST cannot be a link. */
export async function download(request: { sql: string; format: keyof typeof ENDINGS; at?: string }): Promise<void> {
  const response = await query(request);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = `query.${ENDINGS[request.format]}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
