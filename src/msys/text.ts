// What of the API works on values and text alone, put together for the table.
import { DUMPER_FUNCTIONS } from './dumper.ts'
import { ENCODING_FUNCTIONS } from './encoding.ts'
import { EVP_FUNCTIONS } from './evp.ts'
import { GLOBAL_FUNCTIONS } from './globals.ts'
import { IDN_FUNCTIONS } from './idn.ts'
import { JSON_CLASS, JSON_CONSTANTS, JSON_FUNCTIONS } from './json/functions.ts'
import { LOG_FUNCTIONS } from './log.ts'
import { PCRE_FUNCTIONS } from './pcre/functions.ts'
import type { AnyShape } from './shape.ts'
import { VALUE_FUNCTIONS } from './values.ts'

export const TEXT_FUNCTIONS = [
  ...LOG_FUNCTIONS,
  ...VALUE_FUNCTIONS,
  ...GLOBAL_FUNCTIONS,
  ...PCRE_FUNCTIONS,
  ...ENCODING_FUNCTIONS,
  ...EVP_FUNCTIONS,
  ...IDN_FUNCTIONS,
  ...DUMPER_FUNCTIONS,
  ...JSON_FUNCTIONS,
]

export const TEXT_CLASSES: readonly AnyShape[] = [JSON_CLASS]

export const TEXT_CONSTANTS = { json: JSON_CONSTANTS }
