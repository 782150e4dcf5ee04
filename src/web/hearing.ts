import { onEvent } from "./live.ts";
import { announce } from "./notice.tsx";

/** The deployments that happened while the page was open: they are pointed out where they appear. */
const heard = new Set<string>();
onEvent(({ type, data }) => type === "ModelDeployed" && heard.add(data.deploymentId));

export const arrival = (deploymentId: string): string => (heard.has(deploymentId) ? "arrives" : "");

/** Says each deployment to screen readers as it happens: of one project, or of all. */
export function announceDeployments(project?: string): () => void {
  return onEvent(({ type, data, metadata }) => {
    if (type !== "ModelDeployed" || (project !== undefined && data.project !== project)) return;
    const { environment, version, algorithm } = data;
    announce(
      `${data.project}: version ${version} (${algorithm}) is active in ${environment} now, by ${metadata.actor}.`,
    );
  });
}
