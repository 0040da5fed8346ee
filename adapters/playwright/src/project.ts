import type { Farm } from './farm.js';
import type { components } from './openapi.js';
import type { Selector } from './options.js';
import type { Settings } from './settings.js';

const id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Turns selectors into those of the API. The profile says what they leave open. The farm knows the ids of projects. */
export async function selectorsOf(want: Selector[], { project, env }: Settings, farm: Farm): Promise<components['schemas']['Selector'][]> {
  const ids = new Map<string, string>();
  for (const name of new Set(want.map(selector => selector.project ?? project))) {
    if (name) ids.set(name, id.test(name) ? name : await find(name, farm));
  }
  return want.map(({ project: name = project, ...selector }) => ({
    ...(env && { env }),
    ...selector,
    ...(name && { project_id: ids.get(name)! }),
  }));
}

async function find(name: string, farm: Farm): Promise<string> {
  const { projects } = await farm.projectNames();
  const found = projects.find(project => keyOf(project.name) === keyOf(name));
  if (!found) throw new Error(`userfarm: there is no project "${name}"; userfarm projects shows which projects there are`);
  return found.project_id;
}

/** The same for names that the farm takes for the same: case and normal form do not matter. */
function keyOf(name: string): string {
  return name.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC');
}
