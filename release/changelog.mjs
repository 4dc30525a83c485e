/**
 * The changelog, in the form of https://keepachangelog.com/en/1.1.0/.
 *
 * @module
 */

const UNRELEASED = '## [Unreleased]\n';

/**
 * What stands below "Unreleased" gets a number and a day.
 *
 * @param {string} changelog
 * @param {string} version
 * @param {string} day
 */
export function withRelease(changelog, version, day) {
  const at = changelog.indexOf(UNRELEASED);
  if (at === -1) throw new Error('CHANGELOG.md has no "## [Unreleased]"');
  if (notesOf(changelog, 'Unreleased') === '') {
    throw new Error('CHANGELOG.md says nothing below "Unreleased": what do users get?');
  }
  const behind = at + UNRELEASED.length;
  return `${changelog.slice(0, behind)}\n## [${version}] - ${day}\n${changelog.slice(behind)}`;
}

/**
 * What stands below a version's heading, up to the next one.
 *
 * @param {string} changelog
 * @param {string} version
 */
export function notesOf(changelog, version) {
  const sections = changelog.split(/^(?=## \[)/m);
  const section = sections.find((text) => text.startsWith(`## [${version}]`));
  if (section === undefined) throw new Error(`CHANGELOG.md has no section ${version}`);
  return section.slice(section.indexOf('\n') + 1).trim();
}
