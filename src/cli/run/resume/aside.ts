import { existsSync, renameSync } from 'node:fs'
import { moveAside } from '../../rows/move-aside.ts'
import { hasContent, hasJournal, real, type OutputFiles } from '../output-files.ts'
import { notesPath } from './notes.ts'
import { statePath } from './state.ts'

/**
 * Moves the files of earlier runs to names that end in `.bak`. The state goes along, so that a run
 * can continue the old output.
 */
export function moveToBackup({ output, rejects }: OutputFiles): void {
  for (const file of [output, rejects]) {
    if (!file?.canResume || !(hasContent(file.path) || hasContent(file.rows.path))) continue
    const path = real(file.path)
    const backup = hasContent(path) ? moveAside(path, `${path}.bak`) : `${path}.bak`
    if (hasJournal(file) && hasContent(file.rows.path)) moveAside(file.rows.path, `${backup}.run.jsonl`)
    if (file !== output) continue
    if (existsSync(statePath(path))) renameSync(statePath(path), statePath(backup))
    if (existsSync(notesPath(path))) renameSync(notesPath(path), notesPath(backup))
  }
}
