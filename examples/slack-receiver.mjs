#!/usr/bin/env node
/**
 * Receives webhooks of model-ledger and tells a Slack channel of them. Needs nothing but Node.
 *
 *   model-ledger webhook add http://127.0.0.1:9100/ --allow-private --events ModelDeployed   # prints the secret
 *   MODEL_LEDGER_WEBHOOK_SECRET=whsec_… SLACK_WEBHOOK_URL=https://hooks.slack.com/services/… ./slack-receiver.mjs
 *
 * Each event comes at least once: what came before, by its webhook-id, is not told again. Only after Slack has taken the
 * message is the webhook answered with success; anything else, and the ledger sends it again.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const { MODEL_LEDGER_WEBHOOK_SECRET: secret = "", SLACK_WEBHOOK_URL: slack = "", PORT: port = "9100" } = process.env;
if (!secret.startsWith("whsec_") || slack === "") {
  console.error("set MODEL_LEDGER_WEBHOOK_SECRET (whsec_…) and SLACK_WEBHOOK_URL");
  process.exit(2);
}

const TOLERANCE_S = 300;
const MAX_BODY_BYTES = 2 * 1024 * 1024;
const MAX_REMEMBERED = 10_000;
const key = Buffer.from(secret.slice("whsec_".length), "base64");

/** Standard Webhooks: the signature is over id, time and the body, byte for byte; an old one may be a replay. */
function isGenuine(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures = "" } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_S)) return false;
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.split(" ").some((signature) => {
    const [version, encoded = ""] = signature.split(",");
    const given = Buffer.from(encoded, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function messageOf({ type, data, actor, reason }) {
  const because = reason === undefined ? "" : `: ${reason}`;
  switch (type) {
    case "model-ledger.ModelDeployed":
      return `*${data.project}*: version ${data.version} (${data.algorithm}) is active in ${data.environment}, by ${data.strategy} of ${actor}${because}`;
    case "model-ledger.ModelTrained":
      return `*${data.project}*: version ${data.version} (${data.algorithm}) was trained by ${actor}`;
    default:
      return `*${data.project}*: ${type.replace("model-ledger.", "")} by ${actor}${because}`;
  }
}

async function bodyOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Error("too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Forgotten at a restart; keep them with your data if twice is too often. */
const told = new Set();

async function statusFor(request) {
  if (request.method !== "POST") return 405;
  const body = await bodyOf(request);
  if (!isGenuine(request.headers, body)) return 401;
  const id = request.headers["webhook-id"];
  if (told.has(id)) return 200;
  const answer = await fetch(slack, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: messageOf(JSON.parse(body)) }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) return 502;
  told.add(id);
  if (told.size > MAX_REMEMBERED) told.delete(told.values().next().value);
  return 200;
}

const server = createServer(async (request, response) => {
  const status = await statusFor(request).catch((error) => {
    console.error(String(error));
    return 500;
  });
  response.writeHead(status).end();
});
server.listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.on("SIGTERM", () => server.close());
