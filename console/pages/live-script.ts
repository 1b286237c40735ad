/**
 * Keeps a page current: whatever carries `data-live` and an id is replaced by what the server renders now, when an
 * alert changes and every ten seconds. Pages work without it.
 */
export const LIVE_SCRIPT = `'use strict';
(() => {
  const EVERY_MS = 10000;
  const state = document.getElementById('live-state');
  const toggle = document.getElementById('live-toggle');
  let isPaused = false;
  let isLoading = false;
  let soon;

  function say(text) {
    if (state.textContent !== text) state.textContent = text;
  }

  async function refresh() {
    if (isPaused || isLoading || document.hidden) return;
    isLoading = true;
    try {
      const response = await fetch(location.href, { headers: { accept: 'text/html' } });
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      for (const old of document.querySelectorAll('[data-live]')) {
        const fresh = page.getElementById(old.id);
        if (fresh === null || fresh.outerHTML === old.outerHTML) continue;
        const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
        old.replaceWith(fresh);
        if (focused !== null) {
          const again = [...fresh.querySelectorAll('a')].find((link) => link.getAttribute('href') === focused);
          if (again !== undefined) again.focus();
        }
      }
    } catch {
      say('Not reachable');
    } finally {
      isLoading = false;
    }
  }

  const events = new EventSource('/api/v1/alerts/stream');
  events.addEventListener('open', () => say(isPaused ? 'Paused' : 'Live'));
  events.addEventListener('error', () => say('Reconnecting'));
  events.addEventListener('alert', () => {
    clearTimeout(soon);
    soon = setTimeout(refresh, 300);
  });
  setInterval(refresh, EVERY_MS);
  document.addEventListener('visibilitychange', refresh);

  toggle.hidden = false;
  toggle.addEventListener('click', () => {
    isPaused = !isPaused;
    toggle.textContent = isPaused ? 'Resume' : 'Pause';
    say(isPaused ? 'Paused' : 'Live');
    void refresh();
  });
})();
`;
