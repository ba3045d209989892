// What of the API works on values and text alone, put together for the table.
import { DICT, DICT_FUNCTIONS, DICT_ITERATOR } from './dict.ts'
import { DUMPER_FUNCTIONS } from './dumper.ts'
import { ENCODING_FUNCTIONS } from './encoding.ts'
import { EVP_FUNCTIONS } from './evp.ts'
import { GLOBAL_FUNCTIONS } from './globals.ts'
import { IDN_FUNCTIONS } from './idn.ts'
import { JSON_CLASS, JSON_CONSTANTS, JSON_FUNCTIONS } from './json/functions.ts'
import { GENERAL_FUNCTIONS } from './general.ts'
import { PCRE_FUNCTIONS } from './pcre/functions.ts'
import { POLICYEDITOR_FUNCTIONS } from './policyeditor.ts'
import type { AnyShape } from './shape.ts'
import { VALUE_FUNCTIONS } from './values.ts'
import { XML_DOCUMENT, XML_FUNCTIONS, XML_NODE } from './xml/functions.ts'

export const TEXT_FUNCTIONS = [
  ...GENERAL_FUNCTIONS,
  ...VALUE_FUNCTIONS,
  ...GLOBAL_FUNCTIONS,
  ...PCRE_FUNCTIONS,
  ...ENCODING_FUNCTIONS,
  ...EVP_FUNCTIONS,
  ...IDN_FUNCTIONS,
  ...DUMPER_FUNCTIONS,
  ...JSON_FUNCTIONS,
  ...XML_FUNCTIONS,
  ...DICT_FUNCTIONS,
  ...POLICYEDITOR_FUNCTIONS,
]

export const TEXT_CLASSES: readonly AnyShape[] = [
  JSON_CLASS,
  XML_DOCUMENT,
  XML_NODE,
  DICT,
  DICT_ITERATOR,
]

export const TEXT_CONSTANTS = { json: JSON_CONSTANTS }
