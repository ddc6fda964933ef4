/** The commands in the documents' blocks, one by one. */
import { spawnSync } from 'node:child_process';
import type { Block, Page } from './pages.ts';

/** Languages whose blocks are commands. */
export const COMMAND_LANGUAGES: ReadonlySet<string> = new Set(['sh', 'bash', 'shell', 'console']);

/** A command as it stands in a document, with its continuation lines. */
export interface DocumentedCommand {
  readonly page: string;
  readonly line: number;
  readonly text: string;
  /** Without a comment at its end, in one line: what accounts are matched with. */
  readonly plain: string;
}

/** All commands of a page. */
export function commandsOf(page: Page): readonly DocumentedCommand[] {
  return page.blocks.filter(({ language }) => COMMAND_LANGUAGES.has(language)).flatMap(commandsIn);
}

/** The commands of one block, in their order. Throws for one that bash can't read. */
export function commandsIn(block: Block): readonly DocumentedCommand[] {
  const commands: DocumentedCommand[] = [];
  let pending: string[] = [];
  for (const [index, raw] of block.text.split('\n').entries()) {
    const line = raw.replace(/^\$ /, '');
    if (pending.length === 0 && (line.trim() === '' || line.trim().startsWith('#'))) continue;
    pending.push(line);
    const text = pending.join('\n');
    if (line.endsWith('\\') || !isWhole(text)) continue;
    commands.push({
      page: block.page,
      line: block.line + 1 + index - (pending.length - 1),
      text,
      plain: plainOf(text),
    });
    pending = [];
  }
  if (pending.length > 0) throw new Error(`${block.page}:${block.line}: bash can't read: ${pending.join('\n')}`);
  return commands;
}

/** Whether bash takes it for whole commands: no quote, loop or function is open. */
function isWhole(text: string): boolean {
  if (!/['"{(]|\b(for|while|if|case)\b|<</.test(text)) return true;
  return spawnSync('bash', ['-n', '-c', text]).status === 0;
}

function plainOf(text: string): string {
  return text
    .replaceAll(/\\\n\s*/g, '')
    .replace(/\s+#\s[^'"]*$/, '')
    .trim();
}
