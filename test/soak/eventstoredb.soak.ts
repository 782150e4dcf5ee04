import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { startRelay } from "../store/relay.ts";
import { onOwnEventStoreDb } from "../store/server.ts";
import { Crew, type Result } from "./crew.ts";

const random = new Random(Date.now(), "soak");
const RUN_MS = 400_000;

function told(what: string, { violations, ...figures }: Result): void {
  console.log(
    `${what}: ${Object.entries(figures)
      .map(([name, value]) => `${value} ${name}`)
      .join(", ")}`,
  );
  expect(violations).toEqual([]);
}

const urlOf = (port: number) => `esdb://127.0.0.1:${port}?tls=false&defaultDeadline=5000`;

onOwnEventStoreDb(
  (server) => {
    test("EventStoreDB: a server that is killed loses nothing that was acknowledged", { timeout: RUN_MS }, async () => {
      const crew = new Crew(urlOf(server().port));
      for (let count = 0; count < 3; count++) crew.start();
      for (let kills = 0; kills < 3; kills++) {
        await crew.progress(30);
        await delay(random.between(10, 500));
        server().kill("SIGKILL");
        await delay(random.between(0, 3_000));
        await server().restart();
      }
      await crew.progress(30);
      told("3 × kill -9 of the server under 3 processes", await crew.finish());
    });
  },
  { keeps: "on disk" },
);

onOwnEventStoreDb(
  (server) => {
    test("EventStoreDB: a server that is stopped and goes on writes nothing twice", { timeout: RUN_MS }, async () => {
      const crew = new Crew(urlOf(server().port));
      for (let count = 0; count < 3; count++) crew.start();
      for (let stops = 0; stops < 4; stops++) {
        await crew.progress(20);
        server().kill("SIGSTOP");
        await delay(random.pick([500, 3_000, 8_000]));
        server().kill("SIGCONT");
      }
      await crew.progress(20);
      told("4 × SIGSTOP of the server under 3 processes", await crew.finish());
    });
  },
  { keeps: "on disk" },
);

onOwnEventStoreDb(
  (server) => {
    test("EventStoreDB: a slow network that breaks loses nothing, and nothing is written twice", {
      timeout: RUN_MS,
    }, async () => {
      const relay = await startRelay(server().port);
      const crew = new Crew(urlOf(relay.port));
      for (let count = 0; count < 3; count++) crew.start();
      await crew.progress(20);
      for (let times = 0; times < 12; times++) {
        relay.delay(random.between(0, 60));
        relay.hold(random.pick(["requests", "answers"]));
        await delay(random.between(50, 2_500));
        if (random.chance(0.6)) relay.cut();
        relay.release();
        await delay(random.between(100, 800));
        if (times % 3 === 2) await crew.replace(random.pick(crew.names));
      }
      relay.delay(0);
      await crew.progress(20);
      told("12 × held or cut network, 4 × kill -9 of a client, 3 processes", await crew.finish());
    });
  },
  { keeps: "on disk" },
);
