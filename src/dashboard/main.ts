/** The dashboard's page: a stream that is kept up, and a view of what it told last. */
import { createApi } from './api.ts';
import { type ConnectionState, connect } from './connection.ts';
import { type DashboardState, take } from './model.ts';
import { createShell } from './shell.ts';
import { createTokenKeeper } from './token.ts';

/** While a next try is awaited, its countdown goes on. */
const COUNTDOWN_MS = 1_000;

const tokens = createTokenKeeper();
const api = createApi(tokens);
let state: DashboardState | undefined;
let connection: ConnectionState = { kind: 'connecting' };
let drawing = 0;

const shell = createShell(api, tokens, () => stream.restart());

/** However many messages come in one frame, they are drawn once; in the background not at all. */
function draw(): void {
  if (drawing !== 0) return;
  drawing = requestAnimationFrame(() => {
    drawing = 0;
    shell.update(connection, state);
  });
}

const stream = connect(api.dashboard, {
  onState(next) {
    connection = next;
    if (next.kind === 'refused') state = undefined;
    draw();
  },
  onMessage(message) {
    state = take(state, message);
    draw();
  },
});

window.setInterval(() => {
  if (connection.kind === 'waiting') draw();
}, COUNTDOWN_MS);
