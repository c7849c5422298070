// What the workers of the suite can do. Also the program of a worker that is a process of its own:
//
//   node orchestrations.js HOST:PORT [HUB]
//
// It writes one line for each activity that begins, so that a test knows when to kill it.

import { pathToFileURL } from "node:url";

import grpc from "@grpc/grpc-js";
import { RetryPolicy, TaskEntity, TaskHubGrpcWorker, whenAll, whenAny } from "@microsoft/durabletask-js";
import { EntityInstanceId } from "@microsoft/durabletask-js";

class Counter extends TaskEntity {
  initializeState() {
    return { value: 0 };
  }
  add(amount) {
    this.state.value += amount;
    return this.state.value;
  }
  get() {
    return this.state.value;
  }
  refuse() {
    throw new Error("the counter refuses");
  }
}

class Account extends TaskEntity {
  initializeState() {
    return { balance: 0 };
  }
  deposit(amount) {
    this.state.balance += amount;
    return this.state.balance;
  }
  balance() {
    return this.state.balance;
  }
}

export const counter = (key) => new EntityInstanceId("counter", key);
export const account = (key) => new EntityInstanceId("account", key);

export const activities = {
  hello: async (_, name) => `Hello, ${name}!`,
  square: async (_, number) => number * number,
  fail: async (_, text) => {
    throw new Error(text);
  },
};

const quickly = (attempts) =>
  new RetryPolicy({ maxNumberOfAttempts: attempts, firstRetryIntervalInMilliseconds: 1 });

export const orchestrators = {
  chain: async function* (context, names) {
    const greetings = [];
    for (const name of names) greetings.push(yield context.callActivity("hello", name));
    return greetings;
  },
  fanOut: async function* (context, count) {
    const squares = [];
    for (let i = 0; i < count; ++i) squares.push(context.callActivity("square", i));
    return (yield whenAll(squares)).reduce((sum, square) => sum + square, 0);
  },
  tree: async function* (context, depth) {
    if (depth === 0) return 1;
    const children = [0, 1].map(() => context.callSubOrchestrator("tree", depth - 1));
    return (yield whenAll(children)).reduce((sum, leaves) => sum + leaves, 0);
  },
  sleep: async function* (context, seconds) {
    const before = context.currentUtcDateTime.getTime();
    yield context.createTimer(seconds);
    return context.currentUtcDateTime.getTime() - before;
  },
  approval: async function* (context) {
    context.setCustomStatus("waiting");
    const answer = context.waitForExternalEvent("answer");
    const late = context.createTimer(3600);
    const first = yield whenAny([answer, late]);
    return first === answer ? answer.getResult() : "late";
  },
  // Sends what it was told to the instance that it was told.
  tell: async function* (context, { whom, what }) {
    context.sendEvent(whom, "answer", what);
    return "told";
  },
  // Takes numbers until it has seen enough of them, with a new execution for each.
  gather: async function* (context, { sum, left }) {
    const number = yield context.waitForExternalEvent("number");
    if (left === 1) return sum + number;
    context.continueAsNew({ sum: sum + number, left: left - 1 }, true);
  },
  retries: async function* (context, attempts) {
    return yield context.callActivity("flaky", context.instanceId, { retry: quickly(attempts) });
  },
  childRetries: async function* (context, attempts) {
    return yield context.callSubOrchestrator("flakyChild", context.instanceId, { retry: quickly(attempts) });
  },
  flakyChild: async function* (context, key) {
    return yield context.callActivity("flaky", key);
  },
  parentOf: async function* (context, [child, input]) {
    return yield context.callSubOrchestrator(child, input, { instanceId: `${context.instanceId}-child` });
  },
  fails: async function* (context, text) {
    return yield context.callActivity("fail", text);
  },
  transfer: async function* (context, { from, to, amount }) {
    const locks = yield context.entities.lockEntities(account(from), account(to));
    const balance = yield context.entities.callEntity(account(from), "balance");
    if (balance >= amount) {
      yield whenAll([
        context.entities.callEntity(account(from), "deposit", -amount),
        context.entities.callEntity(account(to), "deposit", amount),
      ]);
    }
    locks.release();
    return balance >= amount;
  },
  counts: async function* (context, key) {
    context.entities.signalEntity(counter(key), "add", 5);
    const value = yield context.entities.callEntity(counter(key), "add", 2);
    let refused = "";
    try {
      yield context.entities.callEntity(counter(key), "refuse");
    } catch (error) {
      refused = error.failureDetails?.errorMessage ?? error.message;
    }
    return { value, refused };
  },
};

// Registers everything; `more` adds activities, or replaces some.
export const everything = (more = {}) => (worker) => {
  for (const [name, run] of Object.entries({ ...activities, ...more })) worker.addNamedActivity(name, run);
  for (const [name, run] of Object.entries(orchestrators)) worker.addNamedOrchestrator(name, run);
  worker.addNamedEntity("counter", () => new Counter());
  worker.addNamedEntity("account", () => new Account());
};

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [hostAddress, hub = "default"] = process.argv.slice(2);
  const worker = new TaskHubGrpcWorker({
    hostAddress,
    logger: { error() {}, warn() {}, info() {}, debug() {} },
    metadataGenerator: async () => {
      const headers = new grpc.Metadata();
      headers.set("taskhub", hub);
      return headers;
    },
  });
  everything({
    // Never ends: whoever runs it is killed.
    hello: (_, name) => {
      process.stdout.write(`begun ${name}\n`);
      return new Promise(() => {});
    },
  })(worker);
  await worker.start();
  process.stdout.write("started\n");
}
