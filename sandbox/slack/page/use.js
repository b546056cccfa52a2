// How blocks act: values typed so far, and the control API calls behind clicks.

import { useMemo, useRef, useState } from "/page/vendor/htm_preact.js";
import { post, toast } from "/page/store.js";

// Values travel as {block_id: {action_id: value}}; only those that the surface still shows.
export function nested(values, blocks) {
  const ids = new Set();
  const walk = (list) =>
    (list || []).forEach((block) => {
      ids.add(block.block_id);
      walk(block.child_blocks);
    });
  walk(blocks);
  const out = {};
  for (const [key, value] of Object.entries(values)) {
    const [block, action] = key.split("\u0000");
    if (ids.has(block)) (out[block] ||= {})[action] = value;
  }
  return out;
}

// `place` names the surface for the control API: {channel, ts}, {view_id} or {home: true}.
export function useSurface(user, place, blocks, errors) {
  const [values, setValues] = useState({});
  const latest = useRef(values);
  latest.current = values;
  const scope = Object.values(place).join("-") + user;
  const act = (name) => async (block, element, value) => {
    const values = name === "click" ? nested(latest.current, blocks) : undefined;
    const result = await post(name, { user, ...place, action_id: element.action_id, block_id: block.block_id, value, values });
    // In channels and modals the notice stands where the person looks; the Home tab has no such place.
    if (place.home && result.notice) toast(result.notice.replaceAll("`", ""));
    return result;
  };
  const setValue = (key, value) => {
    latest.current = { ...latest.current, [key]: value };
    setValues(latest.current);
  };
  return useMemo(
    () => ({ scope, values, errors, setValue, act: act("click"), suggest: act("suggest"), read: () => nested(latest.current, blocks) }),
    [values, errors, blocks, scope],
  );
}
