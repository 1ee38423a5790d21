/** Reads the elements with a name in a text of XML. */
type ReadXml = typeof import('hucre/xml').readXml

/** The sheet that is read. */
export interface Chosen {
  /** `undefined`: the workbook does not say. */
  readonly name: string | undefined
  /** What a person has to know, because the file has more sheets than this sheet. */
  readonly note?: string | undefined
}

/**
 * Chooses the sheet with this name, or else the first sheet that a person sees when the file is
 * open. A chart may be a sheet too, and has no rows.
 *
 * @param partOf Reads a part of the file.
 */
export async function chooseSheet(
  wanted: string | undefined,
  partOf: (name: string) => Promise<string | undefined>,
  readXml: ReadXml,
): Promise<Chosen> {
  const elements = async (part: string, rowTag: string) =>
    readXml((await partOf(part)) ?? '', { rowTag, stripNamespaces: true }).data
  const types = new Map(
    (await elements('xl/_rels/workbook.xml.rels', 'Relationship')).map((one) => [one['@Id'], one['@Type']]),
  )
  const sheets = (await elements('xl/workbook.xml', 'sheet')).filter((one) => {
    const id = Object.keys(one).find((name) => name.endsWith(':id')) ?? ''
    return !/\/(?:chart|dialog)sheet$/.test(String(types.get(one[id])))
  })
  const names = sheets.map((one) => String(one['@name']))
  if (wanted !== undefined) {
    if (names.includes(wanted)) return { name: wanted }
    const known = names.map((name) => JSON.stringify(name)).join(', ')
    throw new Error(`there is no sheet ${JSON.stringify(wanted)}; there are: ${known}`)
  }
  const isSeen = (one: (typeof sheets)[number]): boolean => !/hidden/i.test(String(one['@state']))
  const name = names[Math.max(0, sheets.findIndex(isSeen))]
  if (name === undefined || names.length === 1) return { name }
  const note = `of its ${names.length} sheets, ${JSON.stringify(name)} is read: the first that is not hidden`
  return { name, note: `${note} (\`sheet\`)` }
}
