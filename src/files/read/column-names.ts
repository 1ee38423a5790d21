/** The second `a` becomes `a_2`. The third column becomes `_3` if it has no name. */
export function columnNames(fields: readonly string[]): string[] {
  const given = new Set(fields)
  const used = new Set<string>()
  const next = new Map<string, number>()
  return fields.map((field, at) => {
    let name = field
    if (field === '' || used.has(field)) {
      const base = field === '' ? `_${at + 1}` : field
      let number = next.get(base) ?? 2
      name = field === '' ? base : `${base}_${number}`
      for (; given.has(name) || used.has(name); number++) name = `${base}_${number}`
      next.set(base, number)
    }
    used.add(name)
    return name
  })
}
