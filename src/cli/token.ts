import type { Tokens } from "../access/tokens.ts";
import type { CliCommand, Options, Session } from "./command.ts";
import type { Column } from "./output.ts";

type Token = Omit<Awaited<ReturnType<Tokens["list"]>>[number], "sha256">;

const COLUMNS: readonly Column<Token>[] = [
  { title: "name", value: ({ name }) => name },
  { title: "scopes", value: ({ scopes }) => scopes.join(", ") },
  { title: "projects", value: ({ project }) => project },
  { title: "created", value: ({ createdAt }) => createdAt },
];

async function withTokens(session: Session, store: string, act: (tokens: Tokens) => Promise<void>): Promise<undefined> {
  const opened = await session.openTokens(store);
  try {
    await act(opened.tokens);
  } finally {
    await opened.close();
  }
}

const words = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text.split(",").map((word) => word.trim()),
];

const inputOf = ({ name, scope, project }: Options, { dryMark }: Session) =>
  ({ name, scopes: scope, ...(project !== undefined && { project }), ...dryMark }) as Parameters<Tokens["create"]>[0];

export const tokenCreate: CliCommand = {
  group: "Serve",
  within: "token",
  signature: "create",
  summary: "make a token and print its secret, this once",
  examples: [
    "token create --name ci --scope train --project 'Digits*'",
    "token create --name ops --scope deploy --scope train --json",
  ],
  configure: (command) =>
    command
      .requiredOption("--name <name>", "whose it is: the actor of the commands it gives")
      .requiredOption("--scope <scope>", "read, train, deploy or admin; repeat it for more", words)
      .option("--project <glob>", "the projects it is for: * is any text, ? any character (default: *)"),
  run: (session, _args, options) =>
    withTokens(session, session.globals.dryRun ? session.existingStore() : session.globals.store, async (tokens) => {
      const { token, secret } = await tokens.create(inputOf(options, session));
      const { out, dryPrefix, dryMark } = session;
      if (dryMark.dryRun) {
        const made = `a token "${token.name}" (${token.scopes.join(", ")}) for ${token.project}`;
        out.result({ name: token.name, ...dryMark }, token.name, () => out.say(dryPrefix + made));
      } else if (out.style.json) out.json({ name: token.name, token: secret });
      else {
        out.line(secret);
        out.aside(`this is shown once: keep it where "${token.name}" finds it`);
      }
    }),
};

export const tokenList: CliCommand = {
  group: "Serve",
  within: "token",
  signature: "list",
  summary: "the tokens there are, without their secrets",
  examples: ["token list", "token list --json"],
  run: (session) =>
    withTokens(session, session.existingStore(), async (tokens) => {
      const rows = (await tokens.list()).map(({ name, scopes, project, createdAt }) => ({
        name,
        scopes,
        project,
        createdAt,
      }));
      await session.out.list(rows, COLUMNS, "there are no tokens");
    }),
};

export const tokenRevoke: CliCommand = {
  group: "Serve",
  within: "token",
  signature: "revoke <name>",
  summary: "let a token in no more, at once and everywhere",
  examples: ["token revoke ci"],
  run: (session, [name = ""]) =>
    withTokens(session, session.existingStore(), async (tokens) => {
      const { out, dryPrefix, dryMark } = session;
      await tokens.revoke(name, dryMark);
      if (out.style.json) out.json({ name, revoked: true, ...dryMark });
      else out.aside(`${dryPrefix}revoked: "${name}" gets in no more`);
    }),
};
