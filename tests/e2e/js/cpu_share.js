// How much of the processor a hello load of the JavaScript SDK leaves to `ingotd`: a worker and a
// client, each a process of its own, chains of three activities, 256 in flight.
//
//   tests/e2e/run_js FOLDER INGOTD js/cpu_share.js [SECONDS [CONCURRENCY]]
//
// All outputs are checked.
// It ends with 1 when one was wrong, or when the server took more of the processor than the
// JavaScript processes together.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { TaskHubGrpcClient, TaskHubGrpcWorker } from "@microsoft/durabletask-js";

import { everything } from "../orchestrations.js";
import { Server, PATIENCE_S } from "../server.js";

const CITIES = ["Tokyo", "Seattle", "London"];
const EXPECTED = JSON.stringify(CITIES.map((city) => `Hello, ${city}!`));
const silent = { error() {}, warn() {}, info() {}, debug() {} };

// Seconds of the processor that a process has used.
function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticksPerSecond = 100; // of /proc on Linux, whatever the kernel's own
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function residentMiB(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}

// The client's process: starts and waits until it is told to end; says how it went.
async function runClient(address, concurrency) {
  const client = new TaskHubGrpcClient({ hostAddress: address, logger: silent });
  let ending = false;
  process.once("SIGTERM", () => (ending = true));
  let done = 0;
  process.on("SIGUSR2", () => process.stdout.write(`done ${done}\n`));
  const one = async () => {
    while (!ending) {
      const id = await client.scheduleNewOrchestration("chain", CITIES);
      const state = await client.waitForOrchestrationCompletion(id, true, PATIENCE_S);
      if (state?.serializedOutput !== EXPECTED) throw new Error(`${id}: ${state?.serializedOutput}`);
      ++done;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  await client.stop();
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function measure(seconds, concurrency) {
  const server = await Server.start();
  const run = (role) =>
    spawn(
      process.execPath,
      [fileURLToPath(import.meta.url), role, server.address, String(concurrency)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
  const worker = run("worker");
  const client = run("client");
  let done = null;
  let told = () => {};
  client.stdout.setEncoding("utf8").on("data", (text) => {
    for (const line of text.split("\n")) {
      if (!line.startsWith("done ")) continue;
      done = Number(line.slice(5));
      told();
    }
  });
  const ended = new Promise((resolve) => client.once("exit", (code) => resolve(code ?? 1)));
  const asked = async () => {
    const answer = new Promise((resolve) => (told = resolve));
    client.kill("SIGUSR2");
    const failed = await Promise.race([answer, ended]);
    if (failed !== undefined) throw new Error("the client has failed");
    return done;
  };
  const processes = { ingotd: server.process.pid, worker: worker.pid, client: client.pid };
  const figures = () => Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, cpuSeconds(pid)]));
  try {
    await pause(5); // the JavaScript has been compiled, the connections are there
    const begin = process.hrtime.bigint();
    const [before, doneBefore] = [figures(), await asked()];
    await pause(seconds);
    const [after, doneAfter] = [figures(), await asked()];
    const elapsed = Number(process.hrtime.bigint() - begin) / 1e9;
    const used = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
    const all = used.ingotd + used.worker + used.client;
    const percent = (value) => `${((100 * value) / all).toFixed(0)} %`;
    console.log(`${((doneAfter - doneBefore) / elapsed).toFixed(0)} orchestrations/s, ${concurrency} in flight, ${elapsed.toFixed(1)} s`);
    for (const [name, value] of Object.entries(used)) {
      console.log(`  ${name.padEnd(8)} ${value.toFixed(2).padStart(7)} s of CPU, ${percent(value)} of all; ${residentMiB(processes[name]).toFixed(0)} MiB resident`);
    }
    client.kill("SIGTERM");
    const code = await ended;
    return code === 0 && doneAfter > doneBefore && used.ingotd < used.worker + used.client;
  } finally {
    client.kill("SIGKILL");
    worker.kill("SIGKILL");
    await server.stop();
  }
}

// The worker's process.
async function runWorker(hostAddress) {
  const worker = new TaskHubGrpcWorker({ hostAddress, logger: silent });
  everything()(worker);
  await worker.start();
}

if (process.argv[2] === "client") {
  await runClient(process.argv[3], Number(process.argv[4]));
} else if (process.argv[2] === "worker") {
  await runWorker(process.argv[3]);
} else {
  const right = await measure(Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 256));
  process.exit(right ? 0 : 1);
}
