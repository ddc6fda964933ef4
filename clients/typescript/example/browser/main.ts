/** A page that lists a patient's medications, writes a note on the first, and reads it back, straight from the service. */
import { createBrowserSession } from '@crossfade/client/browser';
import { Medications } from '@crossfade/client/gen/hospital/v1/medications_pb';

const form = find('form', HTMLFormElement);
const list = find('ul', HTMLUListElement);
const status = find('[role=status]', HTMLElement);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  run().catch((error: unknown) => {
    status.textContent = error instanceof Error ? error.message : String(error);
  });
});

async function run(): Promise<void> {
  const given = new FormData(form);
  const [service = '', parent = '', note = ''] = ['service', 'parent', 'note'].map((name) => String(given.get(name)));
  const session = createBrowserSession({ addresses: [service], caller: 'browser-example' });
  const client = session.client(Medications);

  const { medications } = await client.listMedications({ parent, pageSize: 10 });
  list.replaceChildren(...medications.map(itemOf));
  const [first] = medications;
  if (first === undefined) {
    status.textContent = 'This patient has no medications.';
    return;
  }
  await client.updateMedication({ medication: { name: first.name, note }, updateMask: { paths: ['note'] } });
  const read = await client.getMedication({ name: first.name });
  status.textContent = `${read.description}: ${read.note} (version ${session.versionOf(first.name)})`;
}

function itemOf({ description }: { readonly description: string }): HTMLElement {
  const item = document.createElement('li');
  item.textContent = description;
  return item;
}

function find<T extends Element>(selector: string, type: new () => T): T {
  const found = document.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`the page has no ${selector}`);
  return found;
}
