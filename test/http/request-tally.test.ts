import fc from "fast-check";
import { Counter, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { RequestTally } from "../../src/observability/request-tally.ts";

const REQUESTS = { name: "requests_total", help: "Requests" };
const SECONDS = { name: "request_seconds", help: "Time" };
const BOUNDS = [0.001, 0.0025, 0.1, 5];

const requests = fc.array(
  fc.record({
    method: fc.constantFrom("GET", "POST", "HEAD"),
    route: fc.constantFrom("/v1/projects/:project", "unknown", 'odd "\\\n'),
    status: fc.constantFrom(200, 304, 404, 500),
    seconds: fc.oneof(fc.constantFrom(0, ...BOUNDS), fc.double({ min: 0, max: 10, noNaN: true })),
  }),
);

test("a tally of requests is read as prom-client's own counter and histogram are, to the byte", async () => {
  await fc.assert(
    fc.asyncProperty(requests, async (all) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const tally = new RequestTally(ours, { requests: REQUESTS, seconds: SECONDS, bounds: BOUNDS });
      const labels = { registers: [theirs], labelNames: ["method", "route"] };
      const counter = new Counter({ ...REQUESTS, ...labels, labelNames: ["method", "route", "status"] });
      const histogram = new Histogram({ ...SECONDS, ...labels, buckets: BOUNDS });
      for (const { method, route, status, seconds } of all) {
        tally.answered(method, route, status, seconds);
        counter.inc({ method, route, status });
        histogram.observe({ method, route }, seconds);
      }
      const [read, expected] = [await ours.metrics(), await theirs.metrics()];
      expect(read.split("\n").sort()).toEqual(expected.split("\n").sort());
    }),
  );
});
