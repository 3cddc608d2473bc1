// One line for each thing tried, in the order of trying; what fails is told in full and the rest still runs.
let failures = 0;

export async function check(name, run) {
  const began = performance.now();
  try {
    await run();
    console.log(`ok    ${name} (${Math.round(performance.now() - began)} ms)`);
  } catch (error) {
    failures++;
    console.log(`FAIL  ${name}: ${error.stack ?? error}`);
  }
}

export function finish() {
  if (failures) console.log(`${failures} failed`);
  process.exit(failures ? 1 : 0);
}
