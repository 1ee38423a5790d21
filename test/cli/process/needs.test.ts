import { expect, test } from 'vitest'
import { missingPackage, tooOldNode, tooOldZod } from '../../../src/cli/process/needs.ts'

test.each([
  ['20.20.2', true],
  ['22.11.0', true],
  ['22.12.0', false],
  ['24.0.0', false],
])('Node %s', (version, isTooOld) => {
  expect(tooOldNode(version)).toBe(
    isTooOld ? `llm-pack-stream needs Node 22.12 or newer, and this is ${version}` : undefined,
  )
})

test.each([
  // In Zod 3.25.
  [4, 0, true],
  [4, 1, false],
  [5, 0, false],
])('Zod %i.%i', (major, minor, isTooOld) => {
  const message = 'llm-pack-stream needs zod 4.1 or newer: npm install zod'
  expect(tooOldZod({ major, minor })).toBe(isTooOld ? message : undefined)
})

test.each([
  [
    'ERR_PACKAGE_PATH_NOT_EXPORTED',
    `Package subpath './v4/core' is not defined by "exports" in /home/me/job/node_modules/zod/package.json imported from /home/me/job/node_modules/llm-pack-stream/dist/request/strict-schema.js`,
    'zod',
  ],
  [
    'ERR_PACKAGE_PATH_NOT_EXPORTED',
    `Package subpath './x' is not defined by "exports" in C:\\job\\node_modules\\@scope\\name\\package.json imported from C:\\job\\node_modules\\llm-pack-stream\\dist\\x.js`,
    '@scope/name',
  ],
  ['ERR_MODULE_NOT_FOUND', "Cannot find package 'commander' imported from /job/x.js", 'commander'],
  ['ERR_MODULE_NOT_FOUND', "Cannot find module '/job/x.js' imported from /job/y.js", undefined],
  ['ENOENT', "Cannot find package 'zod' imported from /job/x.js", undefined],
])('%s: %s', (code, message, name) => {
  const said = name && `llm-pack-stream needs the package ${name}: npm install ${name}`
  expect(missingPackage(Object.assign(new Error(message), { code }))).toBe(said)
  expect(missingPackage(undefined)).toBeUndefined()
})
