/** Writing a page next to what is printed anyway: a file that cannot be written must not cost the finding. */
import { writeFile } from "node:fs/promises";

export async function writeReport(file: string, page: string): Promise<void> {
  try {
    await writeFile(file, page);
  } catch (error) {
    process.stderr.write(`virtlab: --report ${file}: cannot be written: ${(error as Error).message}\n`);
  }
}
