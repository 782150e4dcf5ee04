/** The arrows of ARCHITECTURE.md: what each room may see. Everything not named is forbidden. */
const rooms = {
  "^src/errors\\.ts$": [],
  "^src/runtime\\.ts$": [],
  "^src/events/": ["^src/errors\\.ts$"],
  "^projections/": ["^src/events/"],
  "^src/domain/": ["^src/errors\\.ts$", "^src/events/", "^projections/"],
  "^src/store/": ["^src/errors\\.ts$", "^src/runtime\\.ts$"],
  "^src/ledger/": [
    "^src/(errors|runtime)\\.ts$",
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
  "^src/open-ledger\\.ts$": ["^src/", "^projections/"],
  "^src/demo/": ["^src/errors\\.ts$", "^src/events/"],
  "^src/cli/": ["^src/(errors|open-ledger|index)\\.ts$", "^src/demo/"],
};

const arrows = Object.entries(rooms).map(([from, allowed]) => ({
  name: `arrows-from-${from.replaceAll(/[^a-z-]/g, "")}`,
  severity: "error",
  from: { path: from },
  to: { path: "^(src|projections|test)/", pathNot: [from, ...allowed] },
}));

// biome-ignore lint/style/noDefaultExport: dependency-cruiser reads the default export
export default {
  forbidden: [
    ...arrows,
    { name: "no-circles", severity: "error", from: { path: "^(src|projections)/" }, to: { circular: true } },
    {
      name: "folds-are-bundled-for-the-server",
      severity: "error",
      from: { path: "^projections/" },
      to: { path: "^(src/events/(?!tasks\\.ts)|node_modules)", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "only-main-and-the-library-open-stores",
      severity: "error",
      from: { pathNot: "^(src/store/|src/open-ledger\\.ts|test/)" },
      to: { path: "^src/store/(?!event-store\\.ts)" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^test/bench/peer/" },
  },
};
