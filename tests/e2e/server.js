// A real `ingotd` in a folder of its own, on a port of its own, stopped by its process id.
//
// The program is named by the environment variable INGOTD. Its log goes to ingotd.log in its folder;
// when a test fails, the end of it is printed.

import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import grpc from "@grpc/grpc-js";
import { TaskHubGrpcClient, TaskHubGrpcWorker } from "@microsoft/durabletask-js";

// Everything waits for answers, nothing for a time; this is when a machine counts as stuck.
export const PATIENCE_S = 120;

const silent = { error() {}, warn() {}, info() {}, debug() {} };

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks until `predicate` gives something true; for states that nobody announces.
export async function eventually(what, predicate) {
  const end = Date.now() + PATIENCE_S * 1000;
  for (;;) {
    const found = await predicate();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not seen in ${PATIENCE_S} s: ${what}`);
    await pause(20);
  }
}

export class Server {
  static async start(options = []) {
    const server = new Server();
    server.options = options;
    server.folder = mkdtempSync(join(process.env.TEST_TMPDIR ?? tmpdir(), "e2e-"));
    server.port = await freePort();
    await server.launch();
    return server;
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  // Starts the program, also again after kill().
  async launch() {
    const log = openSync(join(this.folder, "ingotd.log"), "a");
    this.process = spawn(
      process.env.INGOTD ?? "ingotd",
      ["--data", join(this.folder, "hubs"), "--listen", this.address, "--http", "", "--create-hubs", ...this.options],
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
    const ended = new Promise((resolve) => {
      this.process.once("exit", (code, signal) => resolve(`ended with ${code ?? signal}`));
      this.process.once("error", (error) => resolve(`could not be started: ${error.message}`));
    });
    this.ended = ended;
    let why = null;
    ended.then((reason) => (why = reason));
    await eventually("ingotd listens", async () => {
      if (why !== null) throw new Error(`ingotd ${why}\n${this.log()}`);
      return accepts(this.port);
    });
  }

  log() {
    return readFileSync(join(this.folder, "ingotd.log"), "utf8").split("\n").slice(-60).join("\n");
  }

  // No warning, no last words.
  async kill() {
    this.process.kill("SIGKILL");
    await this.ended;
  }

  // As an administrator would. Gives how it ended.
  async stop() {
    this.process.kill("SIGTERM");
    const how = await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
    return how;
  }

  client(hub = "default") {
    return new TaskHubGrpcClient({ hostAddress: this.address, logger: silent, metadataGenerator: metadata(hub) });
  }

  // A worker of this process; `prepare` registers what it can do. Started.
  async worker(prepare, { hub = "default", ...options } = {}) {
    const worker = new TaskHubGrpcWorker({
      hostAddress: this.address,
      logger: silent,
      metadataGenerator: metadata(hub),
      ...options,
    });
    prepare(worker);
    await worker.start();
    return worker;
  }
}

const metadata = (hub) => async () => {
  const headers = new grpc.Metadata();
  headers.set("taskhub", hub);
  return headers;
};
