/** The arrows of ARCHITECTURE.md: what each room may see besides itself. What is not named is forbidden. */
const rooms = {
  "^src/errors\\.ts$": [],
  "^src/runtime\\.ts$": [],
  "^src/tracing\\.ts$": ["^src/errors\\.ts$"],
  "^src/events/": ["^src/errors\\.ts$"],
  "^projections/": ["^src/events/"],
  "^src/domain/": ["^src/errors\\.ts$", "^src/events/", "^projections/"],
  "^src/sqlite/": ["^src/errors\\.ts$"],
  "^src/store/": ["^src/(errors|runtime)\\.ts$", "^src/sqlite/"],
  "^src/ledger/": [
    "^src/(errors|runtime|tracing)\\.ts$",
    "^src/events/",
    "^projections/",
    "^src/domain/",
    "^src/store/event-store\\.ts$",
  ],
  "^src/audit/": [
    "^src/errors\\.ts$",
    "^src/events/",
    "^projections/",
    "^src/domain/",
    "^src/ledger/",
    "^src/store/event-store\\.ts$",
  ],
  "^src/subscriptions/": [
    "^src/(errors|runtime|tracing)\\.ts$",
    "^src/(events|domain)/",
    "^src/store/event-store\\.ts$",
  ],
  "^src/api/": [
    "^src/(errors|runtime)\\.ts$",
    "^src/(events|domain|ledger|audit|subscriptions)/",
    "^projections/",
    "^src/store/event-store\\.ts$",
  ],
  "^src/read-model/": [
    "^src/errors\\.ts$",
    "^src/(events|sqlite)/",
    "^src/ledger/(active-model|read-model|deployments|searchable)\\.ts$",
    "^src/store/event-store\\.ts$",
  ],
  "^src/open-ledger\\.ts$": ["^src/(errors|runtime)\\.ts$", "^src/(api|domain|store|read-model|remote)/"],
  "^src/open-projections\\.ts$": ["^src/(errors|runtime)\\.ts$", "^src/store/"],
  "^src/index\\.ts$": [
    "^src/(errors|runtime|open-ledger)\\.ts$",
    "^src/(events|domain|ledger|audit|api|subscriptions)/",
  ],
  "^src/demo/": ["^src/errors\\.ts$", "^src/events/"],
  "^src/cli/": [
    "^src/(errors|index)\\.ts$",
    "^src/events/(names|parse-json)\\.ts$",
    "^src/(api|demo|access)/",
    "^src/store/server-projections\\.ts$",
  ],
  "^src/access/": ["^src/(errors|runtime)\\.ts$", "^src/(events|domain)/", "^src/store/event-store\\.ts$"],
  "^src/remote/": ["^src/(errors|runtime|tracing)\\.ts$", "^src/(events|domain|ledger|audit|api)/"],
  "^src/observability/": ["^src/(api|ledger)/"],
  "^src/http/": [
    "^src/(errors|runtime|tracing)\\.ts$",
    "^src/(events|domain|ledger|audit|api|subscriptions|access|observability)/",
    "^src/store/event-store\\.ts$",
  ],
  // The page is bundled for browsers: of the library it knows the types of the answers, and the paths.
  "^src/web/": ["^src/index\\.ts$", "^src/api/project-path\\.ts$"],
  "^src/main\\.ts$": [
    "^src/open-(ledger|projections)\\.ts$",
    "^src/(access|cli|http|observability)/",
    "^src/runtime\\.ts$",
  ],
};

const arrows = Object.entries(rooms).map(([from, allowed]) => ({
  name: `arrows-from-${from.replaceAll(/[^a-z-]/g, "")}`,
  severity: "error",
  from: { path: from },
  to: { path: "^(src|projections|test|scripts)/", pathNot: [from, ...allowed] },
}));

const forbid = (name, from, to) => ({ name, severity: "error", from, to });

// biome-ignore lint/style/noDefaultExport: dependency-cruiser reads the default export
export default {
  forbidden: [
    ...arrows,
    forbid("every-file-has-a-room", { path: "^(src|projections)/", pathNot: Object.keys(rooms) }, {}),
    forbid("no-circles", { path: "^(src|projections)/" }, { circular: true }),
    forbid(
      "folds-are-bundled-for-the-server",
      { path: "^projections/" },
      { path: "(^src/events/(?!(tasks|upcast|parse-json)\\.ts)|node_modules/)", dependencyTypesNot: ["type-only"] },
    ),
    forbid(
      "rules-know-no-machine",
      { path: "^(src/(domain|events)|projections)/" },
      { dependencyTypes: ["core"], path: "." },
    ),
    forbid(
      "the-port-is-known-as-types",
      { path: "^src/(ledger|audit|subscriptions|access|api|http|cli|read-model)/" },
      { path: "^src/store/", dependencyTypesNot: ["type-only"] },
    ),
    forbid(
      "only-the-library-opens-stores",
      { pathNot: "^(src/store/|src/open-(ledger|projections)\\.ts|test/)" },
      { path: "^src/store/(?!(event-store|server-projections)\\.ts)" },
    ),
    forbid(
      "the-page-runs-in-browsers",
      { path: "^src/web/" },
      { path: "^src/index\\.ts$", dependencyTypesNot: ["type-only"] },
    ),
    forbid("stores-are-strangers", { path: "^src/store/memory" }, { path: "^src/store/sqlite" }),
    forbid("stores-are-strangers-too", { path: "^src/store/sqlite" }, { path: "^src/store/memory" }),
    forbid(
      "only-its-command-sees-the-demo",
      { path: "^src/", pathNot: "^src/(cli/demo\\.ts|demo/)" },
      { path: "^src/demo/" },
    ),
    forbid(
      "a-driver-stays-in-its-store",
      { pathNot: "^(src/(store/sqlite|sqlite|read-model)/?|test/)" },
      { path: "better-sqlite3" },
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^test/bench/peer/" },
  },
};
