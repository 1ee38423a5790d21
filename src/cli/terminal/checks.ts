import type { AuditStage, AuditStats, Stats } from '../../index.ts'
import type { Line } from './aligned.ts'
import { dollars, percent, whole } from './words.ts'

/** The lines of a summary about the checks of a job. */
export function checkLines({ votes, audit }: Pick<Stats, 'votes' | 'audit'>): Line[] {
  return [
    ['votes', votes ? votesText(votes) : []],
    ['audit', audit ? auditTexts(audit) : []],
  ]
}

/** The parts of a progress line about them. */
export function checkParts({ votes, audit }: Pick<Stats, 'votes' | 'audit'>): string[] {
  const change = audit && changeOf(audit)
  return [
    ...(votes && votes.split > 0 ? [`${whole(votes.split)} split`] : []),
    ...(change === undefined ? [] : [`audit ${signed(change)}`]),
    // No record was compared since the last step of the guard.
    ...(audit && change === undefined && audit.steps.length > 0
      ? [`audit: packs of ${audit.packRecords}`]
      : []),
  ]
}

function votesText({ ballots, split, undecided }: NonNullable<Stats['votes']>): string {
  return (
    `${whole(ballots)} ballots; ${whole(split)} ${split === 1 ? 'record' : 'records'} with different answers` +
    (undecided > 0 ? `, ${whole(undecided)} without a majority` : '')
  )
}

/** A line for each size of packs, and a line about the cost. */
function auditTexts(audit: AuditStats): string[] {
  const { steps, requests, cost, dropped, margin } = audit
  return [
    ...[...steps, audit].map((stage) => stageText(stage, margin)),
    `${whole(requests)} ${requests === 1 ? 'request' : 'requests'} with a record alone` +
      (cost === undefined ? '' : `, ${dollars(cost)}`) +
      (dropped > 0 ? `; ${whole(dropped)} ${dropped === 1 ? 'record' : 'records'} not compared` : ''),
  ]
}

function stageText(stage: AuditStage, margin: number): string {
  const { packRecords, records, noise = 0, interval } = stage
  const change = changeOf(stage)
  if (change === undefined)
    return packRecords === 1
      ? 'packs of 1: nothing to compare'
      : `packs of up to ${packRecords}: no record compared`
  return (
    `packs of up to ${packRecords} change ${signed(change)} of the answers (${signed(interval.low)} to ` +
    `${signed(interval.high)}, margin ${percent(margin)}): ${whole(records)} ${records === 1 ? 'record' : 'records'}, noise ${percent(noise)}`
  )
}

/** The share of the answers that packing changes beyond noise. `undefined`: none was compared. */
export function changeOf({
  disagreement,
  noise = 0,
}: Partial<Pick<AuditStage, 'disagreement' | 'noise'>>): number | undefined {
  return disagreement === undefined ? undefined : disagreement - noise
}

/** `+1.2%`, `−0.3%` */
export function signed(share: number): string {
  const text = percent(Math.abs(share))
  return text === '0.0%' ? text : `${share < 0 ? '−' : '+'}${text}`
}
