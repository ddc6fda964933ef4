/** Light, dark, or as the system has it. */
import { forgetInks } from './charts/inks.ts';
import { html, setText } from './dom.ts';

const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];

const KEY = 'crossfade-theme';
const names: Readonly<Record<Theme, string>> = { auto: 'Theme: system', light: 'Theme: light', dark: 'Theme: dark' };

/** A button that goes through the themes; what was chosen is remembered. `onChange`: what is drawn needs other colours. */
export function createThemeButton(onChange: () => void): HTMLElement {
  let theme = read();
  const button = html('button', { type: 'button', class: 'plain' });
  const apply = () => {
    document.documentElement.dataset.theme = theme;
    setText(button, names[theme]);
    forgetInks();
    onChange();
  };
  button.addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto';
    localStorage.setItem(KEY, theme);
    apply();
  });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
  apply();
  return button;
}

function read(): Theme {
  const kept = localStorage.getItem(KEY);
  return themes.find((theme) => theme === kept) ?? 'auto';
}
