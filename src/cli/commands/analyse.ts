/** `virtlab analyse`: where the requests of a trace spent their time; two traces side by side. */
import { accessSync, constants, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { UsageError } from "../../host/device.ts";
import { Analysis } from "../../observe/report/analysis.ts";
import { analysisPage } from "../../observe/report/analysis-page.ts";
import { type AnalysisJson, analysisJson, analysisText } from "../../observe/report/analysis-text.ts";
import { readTrace, TraceError, type TraceHeader } from "../../observe/report/trace-file.ts";
import { newCommand } from "../command.ts";

interface AnalyseOptions {
  json?: boolean;
  html?: string;
}

export function analyseCommand(): Command {
  return newCommand("analyse")
    .description("say where the requests of a trace spent their time")
    .argument("<trace>", "a file that --trace wrote")
    .argument("[trace2]", "another one, to compare")
    .option("--json", "print one JSON document")
    .option("--html <file>", "write a page with plots, of the first trace")
    .addHelpText("after", HELP)
    .action(async (trace: string, other: string | undefined, options: AnalyseOptions) => {
      const first = await analyse(trace);
      const second = other === undefined ? undefined : await analyse(other);
      if (options.html !== undefined)
        writePage(options.html, analysisPage(first.found, first.analysis.requests));
      const text = options.json
        ? JSON.stringify({ ...first.found, ...(second && { comparedWith: second.found }) }, null, 2)
        : analysisText(first.found, second?.found);
      process.stdout.write(`${text}\n`);
    });
}

const HELP = `
Stages of a request, each from the event before it:
  submit      its descriptors are in the ring, avail.idx is stored
  kick        the notify register is written (0 where no kick was needed)
  host start  the device reads the entry
  back-end    the device writes the used element
  used        used.idx is stored
  interrupt   the guest takes the interrupt (0 where none was needed)
  handler     the driver reads the used element`;

async function analyse(file: string): Promise<{ found: AnalysisJson; analysis: Analysis }> {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw unreadable(file, error);
  }
  const analysis = new Analysis();
  let header: TraceHeader | undefined;
  try {
    for await (const part of readTrace(file)) {
      if ("format" in part) header = part;
      else analysis.add(part);
    }
  } catch (error) {
    if (error instanceof TraceError) throw new UsageError(error.message);
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw unreadable(file, error);
    throw error;
  }
  if (header === undefined) throw new UsageError(`${file} is no trace of virtlab`);
  return { found: analysisJson(file, header, analysis), analysis };
}

/** Also of what turns out to be a folder, or a failing disk. */
const unreadable = (file: string, error: unknown): UsageError =>
  new UsageError(`${file}: cannot be read: ${(error as Error).message}`);

function writePage(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (error) {
    throw new UsageError(`--html ${file}: cannot be written: ${(error as Error).message}`);
  }
}
