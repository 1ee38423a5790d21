import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runPage, type PageOptions } from './run-page.ts'

/** Runs a page of these lines, in which ''' opens and ends a block. */
async function run(lines: string, options?: PageOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
  const page = join(folder, 'page.md')
  writeFileSync(page, lines.replaceAll("'''", '```').replaceAll(/^ +/gm, ''))
  await runPage(page, options).finally(() => {
    rmSync(folder, { recursive: true })
  })
}

test('a page runs from top to bottom in one shell, on files of its own', async () => {
  await run(`
    The rows stand in \`rows.csv\`:

    '''csv
    text
    Three payments were taken.
    Where is shipping?
    '''
    '''sh
    npm install llm-pack-stream csv-parse
    teams=shipping,payments
    printf '%s\\n' \${teams//,/ } >teams.txt
    npx llm-pack-stream run rows.csv --field text --labels teams.txt --prompt 'Which team?' --model m --quiet -o out.csv
    sleep 600 &
    echo $teams
    date
    echo "1 + 1 = (2)"
    '''
    '''text
    …,payments
    …
    1 + 1 = …
    '''
    The command has made \`out.csv\`:
    '''csv
    text,label,_index,_error,_more
    Three payments were taken.,payments,0,,
    …
    '''
    And \`src/rows.mjs\`:
    '''js
    import { createReadStream } from 'node:fs'
    import { readCsv } from 'llm-pack-stream/readers'
    import 'csv-parse'
    for await (const { label } of createReadStream('out.csv').pipe(readCsv())) console.log(label)
    '''
    '''sh
    node src/rows.mjs
    '''
    '''text
    payments
    shipping
    '''
    '''ts
    const text: string = 'a program'
    console.log(text)
    console.error('that fails')
    '''
    '''
    a program
    that fails
    '''
  `)
})

test.each([
  ['a command that fails', "'''sh\nfalse\n'''", ':1: the block fails with exit code 1'],
  ['a program that fails', "'''ts\nthrow new Error('no')\n'''", /:1: the block fails [^]*Error: no/],
  ['another output', "'''sh\necho b\n'''\n'''text\na\n'''", ':4: the page shows\na\n\nbut there is\nb'],
  ['a longer output', "'''sh\necho a; echo b\n'''\n'''text\na\n'''", ':4: the page shows'],
  ['another file', "'''sh\necho b >a.txt\n'''\n`a.txt`:\n'''txt\na\n'''", ':5: the page shows'],
  ['an output of nothing', "'''text\na\n'''", ':1: no command above this block prints it'],
  ['a package that the page does not install', "'''js\nimport 'csv-parse'\n'''", 'ERR_MODULE_NOT_FOUND'],
  ['a package that is not there', "'''sh\nnpm install nothing-such\n'''", 'nothing-such is no devDependency'],
  ['a block in a list', "- x\n\n  '''sh\nfalse\n'''", ':3: a code block must not be indented'],
])('the runner finds %s', async (_what, lines, message) => {
  // The margin of a block decides in the last case only.
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
  writeFileSync(join(folder, 'page.md'), lines.replaceAll("'''", '```'))
  await expect(runPage(join(folder, 'page.md'))).rejects.toThrow(message)
  rmSync(folder, { recursive: true })
})

test('a block that does not run is one of the page', async () => {
  const page = "'''sh\nfalse\n'''\n'''sh\ntrue\n'''"
  await run(page, { notRun: { false: 'It fails.' } })
  await expect(run(page, { notRun: { e: 'Both have it.' } })).rejects.toThrow(
    'expected one block with "e", found 2',
  )
  await expect(run(page, { notRun: { such: 'None has it.' } })).rejects.toThrow('found 0')
})
