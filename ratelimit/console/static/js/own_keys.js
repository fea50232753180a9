/* The keys of whoever looks: everything here knows a key by its usual name, as templates have it. <body data-own="b=q&g+q=w"> says which are others. */
const own = new URLSearchParams(document.body.dataset.own ?? "");
const names = new Map([...own].map(([name, key]) => [name.startsWith("g ") ? `g ${key}` : key, name]));

/* The name of what was pressed, such as "b" or "g q"; "" if it does nothing for them. */
export const nameOf = (keys) => names.get(keys) ?? (own.has(keys) ? "" : keys);

/* What they press for it. */
export const keysOf = (name) => (name.startsWith("g ") ? `${own.get("g") ?? "g"} ${own.get(name) ?? name.slice(2)}` : (own.get(name) ?? name));

/* Whether g was pressed, and the next key says where to go. */
export const going = { on: false };
