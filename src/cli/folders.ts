// Where this package keeps what ships with it, found from the built file.
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

export const EXAMPLES_FOLDER = fileURLToPath(new URL('examples', root))

/** Folders in which scripts are found without being configured. */
export const BUNDLED_FOLDERS: readonly string[] = [
  fileURLToPath(new URL('policy', root)),
  fileURLToPath(new URL('lua', root)),
]

/** What files of tests find beside the functions of the host. */
export const TESTING_SUGAR = fileURLToPath(new URL('lua/testing.lua', root))
