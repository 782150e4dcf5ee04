import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type Copy, DockerfileParser, type From, type JSONInstruction } from "dockerfile-ast";

const root = join(import.meta.dirname, "../..");

/** What a container of the image would be started with. */
export interface Image {
  /** The folder that stands for its `/`. */
  readonly root: string;
  readonly workdir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
  /** Of every stage, as the file names them. */
  readonly bases: readonly string[];
}

interface Stage {
  readonly root: string;
  workdir: string;
  readonly environment: Record<string, string>;
}

/** Whether `.dockerignore` leaves the file out: the last pattern that fits it, or a folder above it, decides. */
function isIgnored(path: string, patterns: readonly string[]): boolean {
  let ignored = false;
  const parts = path.split("/");
  const places = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  for (const pattern of patterns) {
    const glob = new RegExp(`^${pattern.replace(/^!/, "").replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
    if (places.some((place) => glob.test(place))) ignored = !pattern.startsWith("!");
  }
  return ignored;
}

/** The files that a build is given, as `.dockerignore` has it. */
export function contextFiles(): readonly string[] {
  const patterns = readFileSync(join(root, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const top = readdirSync(root).filter((name) => !isIgnored(name, patterns));
  return top
    .flatMap((name) =>
      statSync(join(root, name)).isDirectory()
        ? readdirSync(join(root, name), { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        : [name],
    )
    .filter((path) => !isIgnored(path, patterns));
}

/**
 * Does what the Dockerfile says, stage by stage, in folders below `place` and with this machine's Node: what a builder
 * would copy is copied, what it would run is run. It is no container: of the base images nothing is known here.
 */
export function buildImage(place: string): Image {
  const context = join(place, "context");
  for (const path of contextFiles()) cpSync(join(root, path), join(context, path));
  const stages = new Map<string, Stage>();
  const bases: string[] = [];
  let stage: Stage = { root: "", workdir: "/", environment: {} };
  const image = { user: "root", entrypoint: [] as string[], command: [] as string[], healthcheck: [] as string[] };
  const inside = (path: string): string => join(stage.root, resolve(stage.workdir, path));
  for (const instruction of DockerfileParser.parse(readFileSync(join(root, "Dockerfile"), "utf8")).getInstructions()) {
    const words = instruction.getArguments().map((argument) => argument.getValue());
    const strings = () => (instruction as JSONInstruction).getJSONStrings().map((one) => JSON.parse(one.getValue()));
    switch (instruction.getKeyword()) {
      case "FROM": {
        const name = (instruction as From).getBuildStage() ?? `stage ${bases.length}`;
        stage = { root: join(place, name), workdir: "/", environment: {} };
        mkdirSync(stage.root);
        stages.set(name, stage);
        bases.push((instruction as From).getImage() ?? "");
        break;
      }
      case "WORKDIR":
        stage.workdir = resolve(stage.workdir, words[0] ?? "");
        mkdirSync(inside("."), { recursive: true });
        break;
      case "ENV":
        for (const [name = "", value = ""] of words.map((word) => word.split(/=(.*)/s)))
          stage.environment[name] = value;
        break;
      case "COPY": {
        const flag = (instruction as Copy).getFlags().find((each) => each.getName() === "from");
        const from = flag ? (stages.get(flag.getValue() ?? "")?.root ?? "/no such stage") : context;
        const target = words.at(-1) ?? "";
        for (const source of words.slice(0, -1)) {
          const path = join(from, source);
          const isFile = statSync(path).isFile();
          cpSync(path, isFile && target.endsWith("/") ? join(inside(target), basename(path)) : inside(target), {
            recursive: true,
            verbatimSymlinks: true,
          });
        }
        break;
      }
      case "RUN":
        execFileSync("sh", ["-euc", words.join(" ")], {
          cwd: inside("."),
          env: { ...process.env, ...stage.environment, npm_config_prefer_offline: "true" },
          stdio: ["ignore", "ignore", "pipe"],
        });
        break;
      case "USER":
        image.user = words[0] ?? "";
        break;
      case "ENTRYPOINT":
        image.entrypoint = strings();
        break;
      case "CMD":
        image.command = strings();
        break;
      case "HEALTHCHECK":
        image.healthcheck = JSON.parse(/CMD (\[.*\])/s.exec(instruction.getTextContent())?.[1] ?? "[]");
        break;
      case "VOLUME":
        if (!existsSync(inside(words[0] ?? ""))) throw new Error(`nothing is at the volume ${words[0]}`);
        break;
      case "EXPOSE":
      case "STOPSIGNAL":
        break;
      default:
        throw new Error(`this test does not know ${instruction.getKeyword()}`);
    }
  }
  return { ...image, root: stage.root, workdir: stage.workdir, environment: stage.environment, bases };
}
