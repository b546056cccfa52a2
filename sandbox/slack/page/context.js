// What drawing needs to know of the reader: names, their zone, the clock.

export function makeContext(store, userId) {
  const reader = store.users.find((user) => user.id === userId) || store.users[0];
  return {
    reader,
    users: store.users,
    groups: store.groups,
    channels: store.channels,
    bot: { id: store.app.bot_user, name: store.app.bot_name, real_name: store.app.name },
    app: store.app,
    zone: reader.timezone,
    now: () => Date.now() + (store.skew || 0),
  };
}
