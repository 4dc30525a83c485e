import { createRequire } from 'node:module';
import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/**
 * Jest's environment of Node, but quicker: the global object of its context is an ordinary one. Of
 * that which jest makes each look at a global calls back into Node.
 *
 * `requireOnce()` in it gives a package that the worker has loaded outside of all contexts: each suite
 * loads all else anew. It is asked by what stands in the place of such a package (`load_once/`).
 */
export default class Environment extends TestEnvironment {
  /** @param {ConstructorParameters<typeof TestEnvironment>} args */
  constructor(...args) {
    const { createContext } = vm;
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(...args);
    } finally {
      vm.createContext = createContext;
    }
    Object.assign(this.global, { requireOnce: createRequire(import.meta.url) });
  }
}
