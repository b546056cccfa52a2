// The pickers that the browser has no control for: several options, options asked from the bot, files.

import { html, useRef, useState } from "/page/vendor/htm_preact.js";
import { Icon } from "/page/icons.js";
import { post, toast } from "/page/store.js";

export function MultiSelect({ id, element, options, value, onChange }) {
  const most = element.max_selected_items || Infinity;
  const label = (one) => options.find((option) => option.value === one)?.text.text || one;
  const left = options.filter((option) => !value.includes(option.value));
  const add = (event) => {
    if (event.target.value) onChange([...value, event.target.value]);
    event.target.value = "";
  };
  return html`<div class="multi">
    <div class="chips">
      ${value.map(
        (one) => html`<span class="chip">${label(one)}
          <button type="button" aria-label=${`Remove ${label(one)}`} onClick=${() => onChange(value.filter((held) => held !== one))}>
            <${Icon} name="close" size=${12} />
          </button></span>`,
      )}
    </div>
    <select id=${id} class="control select" data-action=${element.action_id} value="" disabled=${!left.length || value.length >= most} onChange=${add}>
      <option value="">${element.placeholder?.text || (left.length ? "Add…" : "All chosen")}</option>
      ${left.map((option) => html`<option value=${option.value}>${option.text.text}</option>`)}
    </select>
  </div>`;
}

export function Suggest({ id, element, value, ask, onChange }) {
  const [options, setOptions] = useState(null);
  const [typed, setTyped] = useState("");
  const turn = useRef(0);
  const least = element.min_query_length ?? 3;
  const search = async (text) => {
    setTyped(text);
    const mine = ++turn.current;
    if (text.length < least) return setOptions(null);
    const answer = await ask(text);
    if (mine !== turn.current) return undefined;
    const body = answer?.ack || {};
    return setOptions(body.options || (body.option_groups || []).flatMap((group) => group.options));
  };
  const choose = (option) => {
    setOptions(null);
    setTyped("");
    onChange(option);
  };
  return html`<div class="suggest">
    ${value && html`<span class="chip">${value.text?.text}
      <button type="button" aria-label="Remove" onClick=${() => onChange(null)}><${Icon} name="close" size=${12} /></button></span>`}
    <input id=${id} class="control" value=${typed} placeholder=${element.placeholder?.text || "Type to search"}
      onFocus=${() => least === 0 && search(typed)} onInput=${(event) => search(event.target.value)} />
    ${options &&
    html`<div class="menu menu-wide" role="listbox">
      ${options.map((option) => html`<button type="button" role="option" onClick=${() => choose(option)}>${option.text.text}</button>`)}
      ${!options.length && html`<p class="menu-empty">Nothing matches.</p>`}
    </div>`}
  </div>`;
}

const MOST_BYTES = 10 * 1024 * 1024;

function readBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] || "");
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

export function FileInput({ id, element, reader, value, onChange }) {
  const most = element.max_files || 10;
  const attach = async (event) => {
    const added = [];
    for (const file of [...event.target.files].slice(0, most - value.length)) {
      if (file.size > MOST_BYTES) {
        toast(`${file.name} is larger than 10 MB.`);
        continue;
      }
      const answer = await post("attach", { user: reader.id, name: file.name, content_base64: await readBase64(file) });
      if (answer.ok) added.push(answer.file);
    }
    event.target.value = "";
    onChange([...value, ...added]);
  };
  const accept = (element.filetypes || []).map((one) => `.${one}`).join(",");
  return html`<div class="file-input">
    <label class=${`button button-default ${value.length >= most ? "is-disabled" : ""}`}>
      <${Icon} name="upload" size=${16} /> Add a file
      <input id=${id} type="file" data-action=${element.action_id} accept=${accept || undefined} multiple=${most > 1}
        disabled=${value.length >= most} onChange=${attach} />
    </label>
    ${value.map(
      (file) => html`<span class="chip"><${Icon} name="file" size=${14} /> ${file.name}
        <button type="button" aria-label=${`Remove ${file.name}`} onClick=${() => onChange(value.filter((one) => one !== file))}>
          <${Icon} name="close" size=${12} /></button></span>`,
    )}
  </div>`;
}
