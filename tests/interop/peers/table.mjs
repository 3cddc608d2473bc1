// Results as one table for people: a row for each peer and role, a column for each check, and a legend of what is not ok.
//
// A result is { verdict, why }: 'ok'; 'spared': ok, though a fault of the peer is known that would have been excused;
// 'unable': the peer cannot; 'theirs': the peer's fault; 'failed': kith's until somebody shows otherwise; 'none': makes no
// sense here.
const MARKS = { ok: 'ok', spared: 'ok', none: '', unable: '-', theirs: '!', failed: 'FAIL ' };
const WORDS = {
  spared: "the peer's fault at times, and not this time",
  unable: 'the peer cannot',
  theirs: "the peer's fault",
  failed: 'kith fails',
};

class Legend {
  #notes = new Map(); // number by text

  mark({ verdict, why }) {
    if (!why) return MARKS[verdict];
    const text = `${WORDS[verdict]}: ${why}`;
    if (!this.#notes.has(text)) this.#notes.set(text, this.#notes.size + 1);
    return `${MARKS[verdict]}${this.#notes.get(text)}`;
  }

  lines() {
    return [...this.#notes].map(([text, number]) => `${String(number).padStart(3)}  ${text}`);
  }
}

// checks: { group, name }; rows: { title, results: one for each check, or `missing`: why there are none }.
export function formatTable(checks, rows) {
  const legend = new Legend();
  const cells = rows.map(({ missing, results }) => (missing ? [] : results.map(result => legend.mark(result))));
  const widths = checks.map(({ name }, column) =>
    Math.max(name.length, ...cells.map(row => row[column]?.length ?? 0)));
  const titleWidth = Math.max(...rows.map(({ title }) => title.length));
  const line = (title, texts) =>
    [title.padEnd(titleWidth), ...texts.map((text, column) => text.padEnd(widths[column]))].join('  ').trimEnd();

  // The name of a group stands over its first column and may reach over the others.
  let groups = ''.padEnd(titleWidth);
  let start = titleWidth + 2;
  checks.forEach(({ group }, column) => {
    if (group !== checks[column - 1]?.group) groups = `${groups.padEnd(start)}${group} `;
    start += widths[column] + 2;
  });
  const body = rows.map(({ title, missing }, row) =>
    (missing ? `${title.padEnd(titleWidth)}  not installed: ${missing}` : line(title, cells[row])));
  return [groups.trimEnd(), line('', checks.map(({ name }) => name)), ...body, '', ...legend.lines()].join('\n');
}
