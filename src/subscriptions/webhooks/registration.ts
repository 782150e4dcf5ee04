import { isIP } from "node:net";
import { z } from "zod";
import { EVENT_TYPES } from "../../events/events.ts";
import { EVENT_FILTER_FIELDS } from "../event-filter.ts";
import { isPublicAddress } from "./public-address.ts";
import { isSecret } from "./signature.ts";

const MAX_URL_LENGTH = 2_000;

const WebhookUrl = z
  .string()
  .max(MAX_URL_LENGTH)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    message: "must be an http or https address",
    abort: true, // the rules below take it to pieces
  })
  .refine((text) => {
    const { username, password } = new URL(text);
    return username === "" && password === "";
  }, "must not contain a user or password: the signature tells who sends")
  // the parser spells an address in decimal, octal or hexadecimal the usual way
  .transform((text) => new URL(text).href);

/** What `add` takes. */
export const WebhookInput = z
  .strictObject({
    url: WebhookUrl,
    ...EVENT_FILTER_FIELDS,
    /** "whsec_" and 24 to 64 bytes in base64; made up unless given. */
    secret: z.string().refine(isSecret, "must be whsec_ and 24 to 64 bytes in base64").optional(),
    /** Lets it be sent to addresses that are not of the public internet, this machine's own among them. */
    allowPrivate: z.boolean().default(false),
    /** Checks everything and adds nothing. */
    dryRun: z.boolean().default(false),
  })
  .refine(({ url, allowPrivate }) => allowPrivate || !isPrivateHost(url), {
    path: ["url"],
    message: "is a private address: allow it with --allow-private (allowPrivate), if that is what you want",
  });
export type WebhookInput = z.input<typeof WebhookInput>;

/** The host of an address without the brackets of IPv6. */
export const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, "");

/** What can be told without asking the DNS; what a name stands for is looked at when it is connected to. */
function isPrivateHost(url: string): boolean {
  const host = hostOf(url).replace(/\.$/, "");
  return isIP(host) === 0 ? /(^|\.)localhost$/i.test(host) : !isPublicAddress(host);
}

export const Webhook = z.object({
  id: z.string(),
  url: z.string(),
  project: z.string().optional(),
  types: z.array(z.enum(EVENT_TYPES)).optional(),
  environment: z.string().optional(),
  allowPrivate: z.boolean(),
  secret: z.string(),
  /** The position it begins after: where the log ended when it was added. */
  from: z.string(),
  addedAt: z.string(),
  addedBy: z.string(),
});
/** As the store keeps it, its secret included: nothing that is shown or logged. */
export type Webhook = Readonly<z.infer<typeof Webhook>>;

/** What may be seen of it. */
export type WebhookSummary = Omit<Webhook, "secret" | "from">;

export const withoutSecret = ({ secret: _, from: __, ...rest }: Webhook): WebhookSummary => rest;
