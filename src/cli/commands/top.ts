/** `virtlab top`: a running machine, live: rates, depth, kicks and interrupts sent and spared, who sleeps. */

import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import type { Snapshot } from "../../machine/snapshot.ts";
import { type TopRow, topText } from "../../observe/report/dump-text.ts";
import type { QueueRow } from "../../observe/report/tables.ts";
import { newCommand } from "../command.ts";
import { ControlClient, MachineGoneError } from "../control-client.ts";
import { MILLISECONDS_MAX, wholeNumber } from "../numbers.ts";

interface Look {
  readonly snapshot: Snapshot;
  readonly counters: readonly (QueueRow & { readonly busName?: string; readonly index?: number })[];
}

interface TopOptions {
  interval: string;
  once?: boolean;
  json?: boolean;
}

const CLEAR = "\u001b[H\u001b[2J";

export function topCommand(): Command {
  return newCommand("top")
    .description("show a running machine live: rates, depth, kicks and interrupts, who sleeps")
    .argument("<socket>", "what virtlab run --control was given")
    .option("--interval <ms>", "between two looks", "1000")
    .option("--once", "print one look and end")
    .option("--json", "print one JSON document per look")
    .action(async (path: string, options: TopOptions) => {
      const interval = wholeNumber("--interval", options.interval, 1, MILLISECONDS_MAX);
      const client = await ControlClient.connect(path);
      try {
        await watch(client, interval, options);
      } catch (error) {
        if (!(error instanceof MachineGoneError)) throw error;
        process.stdout.write("the machine has ended\n");
      } finally {
        client.close();
      }
    });
}

async function watch(client: ControlClient, interval: number, { once, json }: TopOptions): Promise<void> {
  let before = await look(client);
  do {
    await delay(interval);
    const now = await look(client);
    const rows = rates(before, now);
    const notes = now.snapshot.functions.flatMap(({ name, queues }) =>
      queues.flatMap(({ index, wrong }) => wrong.map((what) => `${name} queue ${index}: ${what}`)),
    );
    const text = json
      ? JSON.stringify({ time: now.snapshot.time, rows, notes })
      : topText(rows, now.snapshot, notes);
    process.stdout.write(`${process.stdout.isTTY && !once && !json ? CLEAR : ""}${text}\n`);
    before = now;
  } while (!once);
}

async function look(client: ControlClient): Promise<Look> {
  const [snapshot, counters] = await Promise.all([
    client.ask<Snapshot>("snapshot"),
    client.ask<Look["counters"]>("counters"),
  ]);
  return { snapshot, counters };
}

/** Rows of queues that are set up. A side that did not answer leaves its rates at 0. */
function rates(before: Look, now: Look): TopRow[] {
  const seconds = Math.max(0.001, (now.snapshot.time - before.snapshot.time) / 1000);
  return now.snapshot.functions.flatMap(({ name, queues }) =>
    queues.map((queue) => {
      const find = ({ counters }: Look) =>
        counters.find((row) => row.index === queue.index && name.startsWith(`${row.busName} `));
      const [old, current] = [find(before), find(now)];
      const rate = (field: keyof QueueRow): number =>
        Math.round((Number(current?.[field] ?? 0) - Number(old?.[field] ?? current?.[field] ?? 0)) / seconds);
      return {
        name,
        queue: current?.name ?? String(queue.index),
        inFlight: queue.inFlight,
        requests: rate("requests"),
        bytes: rate("bytes"),
        kicks: rate("kicksSent"),
        kicksSuppressed: rate("kicksSuppressed"),
        interrupts: rate("interruptsSent"),
        interruptsSuppressed: rate("interruptsSuppressed"),
      };
    }),
  );
}
