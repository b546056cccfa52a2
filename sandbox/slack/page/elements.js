// Interactive elements. In an input block they only hold a value; elsewhere using them is an act of the person.

import { html, useEffect, useRef, useState } from "/page/vendor/htm_preact.js";
import { Confirm } from "/page/confirm.js";
import { Icon } from "/page/icons.js";
import { Text, emojify, safeLink } from "/page/mrkdwn.js";
import { NotDrawn } from "/page/not_drawn.js";
import { FileInput, MultiSelect, Suggest } from "/page/pickers.js";

export const valueKey = (block, element) => `${block.block_id}\u0000${element.action_id}`;

function useValue(props, initial) {
  const key = valueKey(props.block, props.element);
  const held = props.use?.values?.[key];
  const set = (value, silent = false) => {
    props.use?.setValue?.(key, value);
    const acts = !props.input || props.block.dispatch_action;
    if (acts && !silent) props.use?.act?.(props.block, props.element, value);
  };
  return [held === undefined ? initial : held, set];
}

function Button({ element, block, use }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setAsking(false);
    setBusy(true);
    const link = element.url && safeLink(element.url);
    if (link) window.open(link, "_blank", "noopener");
    await use?.act?.(block, element, element.value ?? null);
    setBusy(false);
  };
  return html`<span class="element">
    <button
      class=${`button button-${element.style || "default"} ${busy ? "is-busy" : ""}`}
      aria-label=${element.accessibility_label}
      data-action=${element.action_id}
      disabled=${busy}
      onClick=${() => (element.confirm ? setAsking(true) : press())}
    >
      ${emojify(element.text.text)}
    </button>
    ${asking && html`<${Confirm} confirm=${element.confirm} onYes=${press} onNo=${() => setAsking(false)} />`}
  </span>`;
}

function Overflow(props) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useOutside(box, () => setOpen(false));
  const choose = (option) => {
    setOpen(false);
    props.use?.act?.(props.block, props.element, option.value);
  };
  return html`<span class="element overflow" ref=${box}>
    <button class="button button-default button-icon" aria-label="More actions" onClick=${() => setOpen(!open)}>
      <${Icon} name="more" size=${18} />
    </button>
    ${open &&
    html`<div class="menu" role="menu">
      ${props.element.options.map(
        (option) => html`<button role="menuitem" onClick=${() => choose(option)}>${emojify(option.text.text)}</button>`,
      )}
    </div>`}
  </span>`;
}

export function useOutside(box, leave) {
  useEffect(() => {
    const pressed = (event) => {
      if (box.current && !box.current.contains(event.target)) leave();
    };
    const key = (event) => event.key === "Escape" && leave();
    document.addEventListener("pointerdown", pressed);
    document.addEventListener("keydown", key);
    return () => {
      document.removeEventListener("pointerdown", pressed);
      document.removeEventListener("keydown", key);
    };
  });
}

const groups = (element) => element.option_groups || [{ options: element.options || [] }];

function Select(props) {
  const { element } = props;
  const [value, set] = useValue(props, element.initial_option?.value ?? "");
  const change = (event) => set(event.target.value || null);
  return html`<select id=${props.id} class="control select" data-action=${element.action_id} value=${value ?? ""} onChange=${change}>
    <option value="">${element.placeholder?.text || "Select an option"}</option>
    ${groups(element).map((group) => {
      const options = group.options.map((one) => html`<option value=${one.value}>${one.text.text}</option>`);
      return group.label ? html`<optgroup label=${group.label.text}>${options}</optgroup>` : options;
    })}
  </select>`;
}

function people(props) {
  return props.context.users.map((user) => ({ text: { text: user.real_name }, value: user.id }));
}

function rooms(props) {
  return props.context.channels
    .filter((room) => room.kind === "channel")
    .map((room) => ({ text: { text: `#${room.name}` }, value: room.id }));
}

function PlaceSelect(props) {
  const { element } = props;
  const initial = element.initial_user || element.initial_channel || element.initial_conversation;
  const options = element.type === "users_select" ? people(props) : rooms(props);
  const offered = { ...element, options, initial_option: initial ? { value: initial } : null };
  return html`<${Select} ...${props} element=${offered} />`;
}

function Several(props) {
  const { element } = props;
  const options = element.type.includes("users")
    ? people(props)
    : element.type.includes("static")
      ? groups(element).flatMap((group) => group.options)
      : rooms(props);
  const initial =
    element.initial_users || element.initial_channels || element.initial_conversations ||
    (element.initial_options || []).map((option) => option.value);
  const [value, set] = useValue(props, initial);
  return html`<${MultiSelect} id=${props.id} element=${element} options=${options} value=${value || []} onChange=${set} />`;
}

function Choices(props) {
  const { element } = props;
  const several = element.type === "checkboxes";
  const first = several ? (element.initial_options || []).map((one) => one.value) : element.initial_option?.value;
  const [value, set] = useValue(props, first);
  const chosen = (option) => (several ? (value || []).includes(option.value) : value === option.value);
  const toggle = (option) => {
    if (!several) return set(option.value);
    return set(chosen(option) ? value.filter((one) => one !== option.value) : [...(value || []), option.value]);
  };
  return html`<div class="choices" role=${several ? "group" : "radiogroup"}>
    ${element.options.map(
      (option) => html`<label class="choice">
        <input type=${several ? "checkbox" : "radio"} data-action=${element.action_id} checked=${chosen(option)}
          name=${`${props.use?.scope}${props.block.block_id}`} onChange=${() => toggle(option)} />
        <span>
          <${Text} object=${option.text} context=${props.context} />
          ${option.description && html`<span class="choice-note"><${Text} object=${option.description} context=${props.context} /></span>`}
        </span>
      </label>`,
    )}
  </div>`;
}

const TYPES = {
  datepicker: ["date", "initial_date"],
  timepicker: ["time", "initial_time"],
  email_text_input: ["email", "initial_value"],
  url_text_input: ["url", "initial_value"],
  number_input: ["number", "initial_value"],
  plain_text_input: ["text", "initial_value"],
};

function Typed(props) {
  const { element } = props;
  const [type, initial] = TYPES[element.type];
  const [value, set] = useValue(props, element[initial] ?? "");
  const picker = type === "date" || type === "time";
  const common = {
    id: props.id,
    class: "control",
    "data-action": element.action_id,
    value: value ?? "",
    placeholder: element.placeholder?.text || "",
    maxLength: element.max_length,
    onInput: (event) => set(event.target.value, !picker),
    onKeyDown: (event) => {
      if (event.key === "Enter" && props.block.dispatch_action && !element.multiline) {
        event.preventDefault();
        set(event.target.value);
      }
    },
  };
  if (element.multiline) return html`<textarea rows="5" spellcheck="false" ...${common} />`;
  return html`<input type=${type} step=${element.is_decimal_allowed ? "any" : undefined} ...${common} />`;
}

function Moment(props) {
  const seconds = props.element.initial_date_time;
  const [value, set] = useValue(props, seconds ?? null);
  const shown = value ? new Date(value * 1000 - new Date(value * 1000).getTimezoneOffset() * 60000).toISOString().slice(0, 16) : "";
  const change = (event) => set(event.target.value ? Math.round(new Date(event.target.value).getTime() / 1000) : null);
  return html`<input type="datetime-local" id=${props.id} class="control" value=${shown} onInput=${change} />`;
}

function Attach(props) {
  const [value, set] = useValue(props, []);
  return html`<${FileInput} id=${props.id} element=${props.element} reader=${props.context.reader} value=${value} onChange=${set} />`;
}

function Outside(props) {
  const [value, set] = useValue(props, props.element.initial_option ?? null);
  const ask = (typed) => props.use?.suggest?.(props.block, props.element, typed);
  return html`<${Suggest} id=${props.id} element=${props.element} value=${value} ask=${ask} onChange=${set} />`;
}

function Thumb({ element }) {
  return html`<img class="thumb" src=${element.image_url} alt=${element.alt_text} />`;
}

const kinds = {
  button: Button,
  overflow: Overflow,
  image: Thumb,
  static_select: Select,
  users_select: PlaceSelect,
  conversations_select: PlaceSelect,
  channels_select: PlaceSelect,
  external_select: Outside,
  multi_static_select: Several,
  multi_users_select: Several,
  multi_conversations_select: Several,
  multi_channels_select: Several,
  checkboxes: Choices,
  radio_buttons: Choices,
  datetimepicker: Moment,
  file_input: Attach,
  ...Object.fromEntries(Object.keys(TYPES).map((name) => [name, Typed])),
};

export function Element(props) {
  const Kind = kinds[props.element.type];
  if (!Kind) return html`<${NotDrawn} what=${props.element} />`;
  return html`<${Kind} ...${props} />`;
}
