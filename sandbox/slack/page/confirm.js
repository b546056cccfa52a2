// The confirm dialog that an element may ask for, and the frame of every dialog.

import { html, useEffect, useRef } from "/page/vendor/htm_preact.js";
import { Icon } from "/page/icons.js";
import { Text } from "/page/mrkdwn.js";

const FOCUSABLE = "button, input, select, textarea, a[href]";

export function Dialog({ title, onClose, footer, wide, children, label }) {
  const box = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    const first = box.current.querySelector(".dialog-body input, .dialog-body select, .dialog-body textarea");
    (first || box.current).focus();
    return () => before?.focus?.();
  }, []);
  const keep = (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
      return;
    }
    if (event.key !== "Tab") return;
    const stops = [...box.current.querySelectorAll(FOCUSABLE)].filter((one) => !one.disabled);
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (document.activeElement === edge) {
      event.preventDefault();
      (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
    }
  };
  return html`<div class="veil" onPointerDown=${(event) => event.target === event.currentTarget && onClose()}>
    <div class=${`dialog ${wide ? "dialog-wide" : ""}`} role="dialog" aria-modal="true" aria-label=${label || title}
      tabindex="-1" ref=${box} onKeyDown=${keep}>
      <header class="dialog-head">
        <h2>${title}</h2>
        <button class="plain-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button>
      </header>
      <div class="dialog-body">${children}</div>
      <footer class="dialog-foot">${footer}</footer>
    </div>
  </div>`;
}

export function Confirm({ confirm, onYes, onNo }) {
  const footer = html`
    <button class="button button-default" onClick=${onNo}>${confirm.deny?.text || "Cancel"}</button>
    <button class=${`button button-${confirm.style === "danger" ? "danger-solid" : "primary"}`} data-confirm="yes" onClick=${onYes}>
      ${confirm.confirm?.text || "Yes"}
    </button>`;
  return html`<${Dialog} title=${confirm.title?.text || "Are you sure?"} onClose=${onNo} footer=${footer}>
    <${Text} object=${confirm.text} context=${{ users: [], channels: [], groups: [], bot: {}, zone: "UTC", now: Date.now }} />
  <//>`;
}
