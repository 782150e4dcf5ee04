import type { Deployment } from "../ledger/deployments.ts";

/** Of CDEvents: the version of the specification and that of its three events about a service (cdevents.dev). */
const CDEVENTS_VERSION = "0.5.1";
const SERVICE_EVENT_VERSION = "0.3.0";

/** Where events come from, unless somebody has a better name for their ledger. */
const DEFAULT_SOURCE = "/model-ledger";

/** A deployment as a CDEvent: the project is the service, the model is the artifact. */
export interface DeploymentCdEvent {
  readonly context: {
    readonly specversion: string;
    readonly id: string;
    readonly source: string;
    readonly type: string;
    readonly timestamp: string;
  };
  readonly subject: {
    readonly id: string;
    readonly content: { readonly environment: { readonly id: string }; readonly artifactId: string };
  };
  /** The deployment as the ledger tells it; the revision is decimal text. */
  readonly customData: Omit<Deployment, "revision"> & { readonly revision: string };
  readonly customDataContentType: "application/json";
}

/** A deployment as a CloudEvent 1.0 in the JSON format, with a CDEvent as its data. */
export interface DeploymentCloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly data: DeploymentCdEvent;
}

/**
 * The same deployment always gives the same event: its id is the deployment's, its time is when the deployment took
 * place (`deployedAt`). `source` is a URI reference that names the ledger.
 */
export function cloudEventOf(deployment: Deployment, source: string = DEFAULT_SOURCE): DeploymentCloudEvent {
  const { deploymentId: id, project, environment, version, modelId, deployedAt: time, revision } = deployment;
  const type = `dev.cdevents.service.${predicateOf(deployment)}.${SERVICE_EVENT_VERSION}`;
  const artifactId = `pkg:generic/${inPackageUrl(project)}@${version}?model_id=${modelId}`;
  return {
    specversion: "1.0",
    id,
    source,
    type,
    subject: project,
    time,
    datacontenttype: "application/json",
    data: {
      context: { specversion: CDEVENTS_VERSION, id, source, type, timestamp: time },
      subject: { id: project, content: { environment: { id: environment }, artifactId } },
      customData: { ...deployment, revision: String(revision) },
      customDataContentType: "application/json",
    },
  };
}

/** As the specification of package URLs (purl) has it, which escapes more than `encodeURIComponent` does. */
const inPackageUrl = (name: string): string =>
  encodeURIComponent(name).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

function predicateOf({ strategy, replaces }: Deployment): "deployed" | "upgraded" | "rolledback" {
  if (strategy === "rollback") return "rolledback";
  return replaces === undefined ? "deployed" : "upgraded";
}
