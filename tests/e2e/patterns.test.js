// The patterns that the SDK's users write, on one server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { OrchestrationStatus, PurgeInstanceCriteria, terminateOptions, VersionMatchStrategy } from "@microsoft/durabletask-js";

import { account, counter, everything } from "./orchestrations.js";
import { eventually, pause, PATIENCE_S, Server } from "./server.js";

let server;
let client;
let worker;
const failing = new Map(); // by the key of `flaky`: how often it still fails
let broken = true; // whether `mended` fails

before(async () => {
  server = await Server.start();
  client = server.client();
  worker = await server.worker((w) => {
    everything({
      flaky: async (_, key) => {
        const left = failing.get(key) ?? 0;
        failing.set(key, left - 1);
        if (left > 0) throw new Error(`${left} to go`);
        return "at last";
      },
      mended: async () => {
        if (broken) throw new Error("not yet");
        return "mended";
      },
    })(w);
    w.addNamedOrchestrator("mends", async function* (context) {
      const greeting = yield context.callActivity("hello", "you");
      return `${greeting} ${yield context.callActivity("mended")}`;
    });
  });
});

after(async () => {
  await worker.stop();
  await client.stop();
  assert.equal(await server.stop(), "ended with 0");
});

async function end(id) {
  const state = await client.waitForOrchestrationCompletion(id, true, PATIENCE_S);
  assert.ok(state, `no state of ${id}`);
  return state;
}

async function output(id) {
  const state = await end(id);
  assert.equal(state.runtimeStatus, OrchestrationStatus.COMPLETED, state.failureDetails?.message);
  return JSON.parse(state.serializedOutput);
}

const run = async (name, input, options) => output(await client.scheduleNewOrchestration(name, input, options));
const status = async (id) => (await client.getOrchestrationState(id))?.runtimeStatus;

test("activities run one after the other", async () => {
  assert.deepEqual(await run("chain", ["Tokyo", "Seattle", "London"]), [
    "Hello, Tokyo!",
    "Hello, Seattle!",
    "Hello, London!",
  ]);
});

test("activities run beside each other", async () => {
  assert.equal(await run("fanOut", 60), (59 * 60 * 119) / 6);
});

test("sub-orchestrations form a tree, and know their parents", async () => {
  assert.equal(await run("tree", 3), 8);
  const id = await client.scheduleNewOrchestration("parentOf", ["chain", ["child"]]);
  assert.deepEqual(await output(id), ["Hello, child!"]);
  const child = (await client.getOrchestrationHistory(`${id}-child`)).find((e) => e.type === "ExecutionStarted");
  assert.equal(child.parentInstance.orchestrationInstance.instanceId, id);
});

test("a timer fires, and not before its time", async () => {
  assert.ok((await run("sleep", 0.3)) >= 300);
});

test("a start can be put off", async () => {
  const at = new Date(Date.now() + 700);
  await run("chain", [], { startAt: at });
  assert.ok(Date.now() >= at.getTime());
  const far = await client.scheduleNewOrchestration("approval", null, { startAt: new Date(Date.now() + 3600000) });
  assert.equal(await status(far), OrchestrationStatus.PENDING);
  await client.terminateOrchestration(far, "never mind");
  assert.equal((await end(far)).runtimeStatus, OrchestrationStatus.TERMINATED);
});

test("an orchestration waits for an event, from a client or another orchestration", async () => {
  const first = await client.scheduleNewOrchestration("approval");
  await eventually("the custom status", async () => {
    return (await client.getOrchestrationState(first))?.serializedCustomStatus === '"waiting"';
  });
  await client.raiseOrchestrationEvent(first, "answer", { yes: true });
  assert.deepEqual(await output(first), { yes: true });
  const second = await client.scheduleNewOrchestration("approval");
  await client.waitForOrchestrationStart(second, false, PATIENCE_S);
  assert.equal(await run("tell", { whom: second, what: "from a friend" }), "told");
  assert.equal(await output(second), "from a friend");
});

test("continuing as new loses no event", async () => {
  const id = await client.scheduleNewOrchestration("gather", { sum: 0, left: 20 });
  await Promise.all(Array.from({ length: 20 }, (_, i) => client.raiseOrchestrationEvent(id, "number", i)));
  assert.equal(await output(id), 190);
});

test("activities and sub-orchestrations are tried again", async () => {
  failing.set("twice", 2);
  assert.equal(await run("retries", 5, { instanceId: "twice" }), "at last");
  failing.set("child-twice", 2);
  assert.equal(await run("childRetries", 5, { instanceId: "child-twice" }), "at last");
  failing.set("for-ever", 1000);
  const state = await end(await client.scheduleNewOrchestration("retries", 3, { instanceId: "for-ever" }));
  assert.equal(state.runtimeStatus, OrchestrationStatus.FAILED);
  assert.equal(failing.get("for-ever"), 997);
});

test("a failure reaches the client, from a child too", async () => {
  const state = await end(await client.scheduleNewOrchestration("parentOf", ["fails", "out of luck"]));
  assert.equal(state.runtimeStatus, OrchestrationStatus.FAILED);
  assert.match(state.failureDetails.message, /out of luck/);
});

test("a suspended instance does nothing until it is resumed", async () => {
  const id = await client.scheduleNewOrchestration("approval");
  await client.waitForOrchestrationStart(id, false, PATIENCE_S);
  await client.suspendOrchestration(id);
  await eventually("suspended", async () => (await status(id)) === OrchestrationStatus.SUSPENDED);
  await client.raiseOrchestrationEvent(id, "answer", 1);
  await pause(300); // a server that forgets the suspension would complete it meanwhile
  assert.equal(await status(id), OrchestrationStatus.SUSPENDED);
  await client.resumeOrchestration(id);
  assert.equal(await output(id), 1);
});

test("terminating ends an instance, and its children when asked", async () => {
  const id = await client.scheduleNewOrchestration("parentOf", ["approval", null]);
  await eventually("the child", async () => (await status(`${id}-child`)) === OrchestrationStatus.RUNNING);
  await client.terminateOrchestration(id, terminateOptions({ output: "enough", recursive: true }));
  assert.equal((await end(id)).runtimeStatus, OrchestrationStatus.TERMINATED);
  assert.equal((await end(`${id}-child`)).runtimeStatus, OrchestrationStatus.TERMINATED);
});

test("what has ended can be purged, by id and by filter", async () => {
  const id = await client.scheduleNewOrchestration("chain", ["gone"]);
  await output(id);
  assert.equal((await client.purgeOrchestration(id)).deletedInstanceCount, 1);
  assert.equal(await client.getOrchestrationState(id), undefined);
  assert.equal((await client.purgeOrchestration(id)).deletedInstanceCount, 0);
  // In a hub of its own: a filter spares no other test's instances.
  const other = server.client("purged");
  const others = await server.worker(everything(), { hub: "purged" });
  const ids = await Promise.all([1, 2, 3].map((n) => other.scheduleNewOrchestration("chain", [`${n}`])));
  for (const each of ids) await other.waitForOrchestrationCompletion(each, false, PATIENCE_S);
  const live = await other.scheduleNewOrchestration("approval");
  const filter = new PurgeInstanceCriteria();
  filter.setCreatedTimeFrom(new Date(0));
  filter.setCreatedTimeTo(new Date(Date.now() + 60000));
  const purged = await other.purgeOrchestration(filter);
  assert.equal(purged.deletedInstanceCount, 3);
  assert.ok(await other.getOrchestrationState(live));
  assert.equal(await client.getOrchestrationState(live), undefined); // hubs don't mix
  await others.stop();
  await other.stop();
});

test("queries find instances by prefix and status, page by page", async () => {
  const ids = Array.from({ length: 25 }, (_, i) => `query-${String(i).padStart(2, "0")}`);
  await Promise.all(ids.map((instanceId) => client.scheduleNewOrchestration("chain", ["q"], { instanceId })));
  for (const id of ids) await output(id);
  const found = [];
  let pages = 0;
  const filter = { instanceIdPrefix: "query-", pageSize: 10, statuses: [OrchestrationStatus.COMPLETED] };
  for await (const page of client.getAllInstances(filter).asPages()) {
    found.push(...page.values.map((state) => state.instanceId));
    ++pages;
  }
  assert.deepEqual(found.sort(), ids);
  assert.equal(pages, 3);
  const listed = new Set();
  for (let lastInstanceKey; ; ) {
    const page = await client.listInstanceIds({ pageSize: 7, lastInstanceKey });
    page.values.forEach((id) => listed.add(id));
    if (!page.hasMoreResults) break;
    lastInstanceKey = page.continuationToken;
  }
  for (const id of ids) assert.ok(listed.has(id), id);
});

test("an id is used once", async () => {
  await run("chain", ["first"], { instanceId: "once" });
  await assert.rejects(client.scheduleNewOrchestration("chain", ["second"], { instanceId: "once" }), /once/);
  assert.deepEqual(await output("once"), ["Hello, first!"]);
});

test("the history is that of the protocol", async () => {
  const id = await client.scheduleNewOrchestration("chain", ["Tokyo"]);
  await output(id);
  const events = await client.getOrchestrationHistory(id);
  assert.deepEqual(
    events.map((event) => event.type),
    ["OrchestratorStarted", "ExecutionStarted", "TaskScheduled", "OrchestratorStarted", "TaskCompleted", "ExecutionCompleted"],
  );
  assert.deepEqual(
    events.map((event) => event.eventId > 0),
    [false, false, true, false, false, true],
  );
});

test("tags and versions are kept", async () => {
  const id = await client.scheduleNewOrchestration("chain", ["x"], { version: "1.2.3", tags: { team: "blue" } });
  await output(id);
  const state = await client.getOrchestrationState(id);
  assert.equal(state.tags.team, "blue");
  const [, started] = await client.getOrchestrationHistory(id);
  assert.equal(started.version, "1.2.3");
});

test("a restarted instance runs with its input", async () => {
  const id = await client.scheduleNewOrchestration("chain", ["again"]);
  await output(id);
  const fresh = await client.restartOrchestration(id, true);
  assert.notEqual(fresh, id);
  assert.deepEqual(await output(fresh), ["Hello, again!"]);
  assert.equal(await client.restartOrchestration(id), id);
  assert.deepEqual(await output(id), ["Hello, again!"]);
});

test("a failed instance is rewound and completes, with what had succeeded", async () => {
  broken = true;
  const id = await client.scheduleNewOrchestration("parentOf", ["mends", null]);
  assert.equal((await end(id)).runtimeStatus, OrchestrationStatus.FAILED);
  broken = false;
  await client.rewindInstance(id, "it works now");
  assert.equal(await output(id), "Hello, you! mended");
});

test("entities are signalled, called and read", async () => {
  assert.deepEqual(await run("counts", "orchestrated"), { value: 7, refused: "the counter refuses" });
  await Promise.all(Array.from({ length: 30 }, () => client.signalEntity(counter("signalled"), "add", 1)));
  const seen = await eventually("30 signals", async () => {
    const entity = await client.getEntity(counter("signalled"));
    return entity?.state?.value === 30 && entity;
  });
  assert.equal(seen.id.key, "signalled");
  const found = [];
  for await (const entity of client.getEntities({ instanceIdStartsWith: "@counter@sig" })) found.push(entity.id.key);
  assert.deepEqual(found, ["signalled"]);
});

test("a scheduled signal waits for its time", async () => {
  const at = Date.now() + 600;
  await client.signalEntity(counter("later"), "add", 1, { signalTime: new Date(at) });
  await eventually("the signal", async () => (await client.getEntity(counter("later")))?.state?.value === 1);
  assert.ok(Date.now() >= at);
});

test("locks keep transfers apart", async () => {
  const keys = ["a", "b", "c", "d"];
  for (const key of keys) await client.signalEntity(account(key), "deposit", 100);
  const transfers = [];
  for (let i = 0; i < 24; ++i) {
    const [from, to] = [keys[i % 4], keys[(i + 1 + (i % 3)) % 4]];
    transfers.push(run("transfer", { from, to, amount: 30 + i }));
  }
  const done = await Promise.all(transfers);
  assert.ok(done.includes(true));
  const balances = await Promise.all(keys.map(async (key) => (await client.getEntity(account(key))).state.balance));
  assert.equal(balances.reduce((sum, balance) => sum + balance, 0), 400);
  for (const balance of balances) assert.ok(balance >= 0, `${balances}`);
});

test("workers get only what their filters name", async () => {
  const hub = "filtered";
  const here = server.client(hub);
  const made = [];
  const note = (name) => (w) => {
    everything()(w);
    w.addNamedOrchestrator(`only-${name}`, async function* () {
      made.push(name);
      return name;
    });
  };
  const workers = [];
  for (const name of ["one", "two"]) {
    workers.push(
      await server.worker(note(name), {
        hub,
        workItemFilters: { orchestrations: [{ name: `only-${name}` }], activities: [], entities: [] },
      }),
    );
  }
  for (const name of ["two", "one", "two"]) {
    const id = await here.scheduleNewOrchestration(`only-${name}`);
    const state = await here.waitForOrchestrationCompletion(id, true, PATIENCE_S);
    assert.equal(state.serializedOutput, JSON.stringify(name));
  }
  assert.deepEqual(made, ["two", "one", "two"]);
  for (const each of workers) await each.stop();
  await here.stop();
});

test("a worker of another version leaves an instance to others", async () => {
  const hub = "versions";
  const here = server.client(hub);
  const versioned = (version) =>
    server.worker(everything(), { hub, versioning: { version, matchStrategy: VersionMatchStrategy.Strict } });
  const old = await versioned("1.0");
  const id = await here.scheduleNewOrchestration("chain", ["v2"], { version: "2.0" });
  const current = await versioned("2.0");
  const state = await here.waitForOrchestrationCompletion(id, true, PATIENCE_S);
  assert.equal(state.runtimeStatus, OrchestrationStatus.COMPLETED);
  await old.stop();
  await current.stop();
  await here.stop();
});
