import { describe, expect, test } from "vitest";
import { LedgerError } from "../../src/errors.ts";
import { parseConnectionString } from "../../src/store/eventstoredb/connection-string.ts";

const one = { address: "db.example.com", port: 2113 };
const local = { address: "127.0.0.1", port: 2114 };

describe("a connection string of EventStoreDB", () => {
  test.for([
    ["esdb://db.example.com", { endpoint: one }],
    ["kurrentdb://db.example.com:2113/", { endpoint: one }],
    ["KurrentDB://db.example.com", { endpoint: one }],
    ["esdb+discover://db.example.com", { discover: one }],
    ["kurrentdb+discover://db.example.com", { discover: one }],
    ["esdb://db.example.com,127.0.0.1:2114", { endpoints: [one, local] }],
    ["esdb+discover://db.example.com,127.0.0.1:2114", { endpoints: [one, local] }],
    ["esdb://[::1]:2114", { endpoint: { address: "[::1]", port: 2114 } }],
    ["esdb://[2001:db8::1]", { endpoint: { address: "[2001:db8::1]", port: 2113 } }],
    ["esdb://db.example.com?connectionName=ledger", { endpoint: one, connectionName: "ledger" }],
    [
      "esdb://db.example.com,127.0.0.1:2114?gossipTimeout=7&discoveryInterval=9",
      { gossipTimeout: 7, discoveryInterval: 9 },
    ],
  ] as const)("%s names its hosts", ([url, settings]) => {
    const target = parseConnectionString(url);
    expect(target.settings).toMatchObject(settings);
    expect(target.isCluster).toBe(url.includes(","));
  });

  test.for([
    ["esdb://ann:secret@h", { username: "ann", password: "secret" }],
    ["esdb://ann:a:b:c@h", { username: "ann", password: "a:b:c" }],
    ["esdb://a%40b:%3A%2F%40%3F%25@h", { username: "a@b", password: ":/@?%" }],
    ["esdb://ann:p@ss@h", { username: "ann", password: "p@ss" }],
    ["esdb://h", undefined],
  ] as const)("%s has its user and password", ([url, credentials]) => {
    const target = parseConnectionString(url);
    expect(target.credentials).toEqual(credentials);
    expect(target.address).toBe("esdb://h");
  });

  test("has deadlines, keep-alive and preferences as the client's own strings have them, in any spelling", () => {
    expect(
      parseConnectionString(
        "esdb://h?defaultDeadline=5000&KEEPALIVEINTERVAL=20000&keep_alive_timeout=3000&node-preference=Follower",
      ),
    ).toMatchObject({
      deadlineMs: 5_000,
      keepAliveIntervalMs: 20_000,
      keepAliveTimeoutMs: 3_000,
      nodePreference: "follower",
    });
    expect(parseConnectionString("esdb://h")).toMatchObject({
      deadlineMs: 10_000,
      keepAliveIntervalMs: 10_000,
      keepAliveTimeoutMs: 10_000,
      nodePreference: "leader",
      channelCredentials: { insecure: false },
    });
    expect(parseConnectionString("esdb://h?keepAliveInterval=-1&tls=false")).toMatchObject({
      keepAliveIntervalMs: expect.toSatisfy((ms: number) => ms > 1e9 && ms < 2 ** 31),
      channelCredentials: { insecure: true },
    });
  });

  test.for([
    ["no host", "esdb://ann:s3cret@"],
    ["a port that is none", "esdb://ann:s3cret@h:70000"],
    ["an option that is none", "esdb://ann:s3cret@h?tsl=false"],
    ["a flag that is none", "esdb://ann:s3cret@h?tls=no"],
    ["a number that is none", "esdb://ann:s3cret@h?defaultDeadline=soon"],
    ["a preference that is none", "esdb://ann:s3cret@h?nodePreference=nearest"],
    ["a file that is not there", "esdb://ann:s3cret@h?tlsCAFile=/nowhere/ca.crt"],
    ["half of a key pair", "esdb://ann:s3cret@h?userCertFile=/etc/hostname"],
    ["a user without a password", "esdb://s3cret@h"],
    ["what is not percent-encoded", "esdb://ann:s3cret%zz@h"],
    ["nothing that could be read", "esdb://ann:s3cret@h:1:2/x y"],
  ])("with %s is INVALID_INPUT, and the password is not repeated", ([, url = ""]) => {
    const error = ((): unknown => {
      try {
        return parseConnectionString(url);
      } catch (refusal) {
        return refusal;
      }
    })();
    expect(error).toBeInstanceOf(LedgerError);
    expect(error).toMatchObject({ code: "INVALID_INPUT" });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain("s3cret");
  });
});
