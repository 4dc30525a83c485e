import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './clone.mjs';
import { runLong } from './command.mjs';

const REQUIREMENTS = join(root, 'test', 'python', 'requirements.txt');
const ENVIRONMENT = join(root, '.cache', 'python');
const COMMAND = join(ENVIRONMENT, 'bin', 'python');
/** Written last, so that an environment that was cut is made again. */
const STAMP_FILE = join(ENVIRONMENT, '.prepared');

/**
 * The Python packages of the tests, in a virtual environment of the clone. Debian's own Python
 * takes none beside those of its packages (PEP 668).
 */
export const python = { ready, make };

function ready() {
  // The command is a link, which leads nowhere once the Python it was made with has left.
  return (
    existsSync(COMMAND) &&
    existsSync(STAMP_FILE) &&
    readFileSync(STAMP_FILE, 'utf8') === readFileSync(REQUIREMENTS, 'utf8')
  );
}

async function make() {
  rmSync(ENVIRONMENT, { recursive: true, force: true });
  await runLong('python3', ['-m', 'venv', ENVIRONMENT], {
    label: 'making a Python environment for the tests',
    about: '5 s',
    log: 'python-venv.log',
    deadlineSeconds: 300,
  });
  await runLong(
    COMMAND,
    ['-m', 'pip', 'install', '--disable-pip-version-check', '--requirement', REQUIREMENTS],
    {
      label: 'installing the Python packages of the tests',
      about: '10 s',
      log: 'pip-install.log',
      deadlineSeconds: 900,
    },
  );
  writeFileSync(STAMP_FILE, readFileSync(REQUIREMENTS));
}
