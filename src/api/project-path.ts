/**
 * The path of a project over HTTP. "." and ".." would be taken for steps on the way: a space before them, which the name
 * loses again, keeps them. Without imports, so that the page can use it too.
 */
export const projectPath = (project: string): string =>
  `/v1/projects/${encodeURIComponent(project.replace(/^\.{1,2}$/, " $&"))}`;
