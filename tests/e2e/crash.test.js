// Workers and servers that end without a word. What was acknowledged happens all the same, once.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { OrchestrationStatus } from "@microsoft/durabletask-js";

import { counter, everything } from "./orchestrations.js";
import { eventually, PATIENCE_S, Server } from "./server.js";

const program = fileURLToPath(new URL("orchestrations.js", import.meta.url));

// A worker process, and a function that gives its next line that begins with `prefix`.
function workerProcess(server) {
  const child = spawn(process.execPath, [program, server.address], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (prefix) => {
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(!done, "the worker ended by itself");
      if (value.startsWith(prefix)) return value;
    }
  };
  return { child, line };
}

test("the work of a worker that is killed goes to another", async () => {
  const server = await Server.start();
  const client = server.client();
  try {
    const first = workerProcess(server);
    await first.line("started");
    const ids = [];
    for (let i = 0; i < 5; ++i) ids.push(await client.scheduleNewOrchestration("chain", [`${i}`, "again"]));
    // It is in the middle of every one of them.
    for (let i = 0; i < 5; ++i) await first.line("begun");
    first.child.kill("SIGKILL");
    const second = await server.worker(everything());
    for (const [i, id] of ids.entries()) {
      const state = await client.waitForOrchestrationCompletion(id, true, PATIENCE_S);
      assert.deepEqual(JSON.parse(state.serializedOutput), [`Hello, ${i}!`, "Hello, again!"]);
    }
    await second.stop();
  } finally {
    await client.stop();
    await server.stop();
  }
});

test("a killed server loses nothing that it acknowledged", async () => {
  const server = await Server.start();
  const client = server.client();
  let runs = 0;
  let worker = await server.worker(
    everything({
      hello: async (_, name) => {
        ++runs;
        return `Hello, ${name}!`;
      },
    }),
  );
  try {
    const acknowledged = new Map(); // id to name
    const signals = { sent: 0 };
    let loading = true;
    const load = async (lane) => {
      for (let i = 0; loading; ++i) {
        const name = `${lane}-${i}`;
        try {
          acknowledged.set(await client.scheduleNewOrchestration("chain", [name, name]), name);
          await client.signalEntity(counter("load"), "add", 1);
          ++signals.sent;
        } catch {
          return; // the server is gone: this start was not acknowledged
        }
      }
    };
    for (let round = 0; round < 2; ++round) {
      loading = true;
      const before = acknowledged.size;
      const runsBefore = runs;
      const lanes = Array.from({ length: 8 }, (_, lane) => load(`${round}-${lane}`));
      await eventually("load", async () => acknowledged.size >= before + 150 && runs >= runsBefore + 50);
      await server.kill();
      loading = false;
      await Promise.all(lanes);
      await server.launch();
    }
    // The worker of before comes back by itself.
    for (const [id, name] of acknowledged) {
      const state = await client.waitForOrchestrationCompletion(id, true, PATIENCE_S);
      assert.equal(state?.runtimeStatus, OrchestrationStatus.COMPLETED, id);
      assert.deepEqual(JSON.parse(state.serializedOutput), [`Hello, ${name}!`, `Hello, ${name}!`]);
    }
    const value = await eventually("every signal", async () => {
      const entity = await client.getEntity(counter("load"));
      return entity?.state?.value >= signals.sent && entity.state.value;
    });
    // A signal whose acknowledgement was lost may count: one for each lane and round.
    assert.ok(value <= signals.sent + 16, `${value} of ${signals.sent}`);
    const stopped = worker;
    worker = null;
    await stopped.stop();
  } catch (error) {
    process.stderr.write(server.log());
    throw error;
  } finally {
    await worker?.stop();
    await client.stop();
    await server.stop();
  }
});
