import { effect, signal } from "@preact/signals";

/** Where the page is. It lies behind the `#`, so that the service has one page to serve and links can be shared. */
export type Route = { readonly page: "projects" } | { readonly page: "project"; readonly project: string };

export const projectLink = (project: string): string => `#/projects/${encodeURIComponent(project)}`;
export const PROJECTS_LINK = "#/";

function routeOf(hash: string): Route {
  const [, name] = /^#\/projects\/([^/?]+)/.exec(hash) ?? [];
  if (name === undefined) return { page: "projects" };
  try {
    return { page: "project", project: decodeURIComponent(name) };
  } catch {
    return { page: "projects" };
  }
}

export const route = signal<Route>(routeOf(location.hash));

window.addEventListener("hashchange", () => {
  route.value = routeOf(location.hash);
});

effect(() => {
  const here = route.value;
  document.title = here.page === "project" ? `${here.project} · model-ledger` : "model-ledger";
});
