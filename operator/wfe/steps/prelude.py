"""What a Deno script finds when it starts: `Wfe`, and `inputs`, `output`, `log` for those who prefer words.

The data come as an import and the path of WFE_OUTPUT from the file's own place, so the script needs no permission
to read or to see the environment for them; only writing that one file is allowed.
"""

from typing import Final

PRELUDE: Final = """\
import data from "./data.json" with { type: "json" };

const target = new URL("./output", import.meta.url);
const write = Deno.writeTextFileSync;
const outputs: Record<string, unknown> = {};

const Wfe = Object.freeze({
  /** The data of the instance, loop items included. */
  getData: (): Record<string, unknown> => structuredClone(data as Record<string, unknown>),
  /** Put out a value; it counts if the step succeeds. */
  setOutput: (key: string, value: unknown): void => {
    outputs[String(key)] = JSON.parse(JSON.stringify(value ?? null) ?? "null");
    write(target, JSON.stringify(outputs));
  },
  /** Write to the log of the step. */
  log: (...words: unknown[]): void => console.log(...words),
});

Object.assign(globalThis, { Wfe, inputs: Wfe.getData, output: Wfe.setOutput, log: Wfe.log });
"""
