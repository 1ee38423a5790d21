export interface PairedPacks {
  readonly records: number
  readonly packSize: number
  /** Share of records that the model answers rightly alone. */
  readonly accuracy: number
  /** Share of all records that only packing gets wrong, and that only packing gets right. */
  readonly lost: number
  readonly gained: number
  /** Correlation within a pack, of losses and of gains. */
  readonly correlation: number
  /** Share of packs that go wrong as a whole, and the chance of each record in them to be lost. */
  readonly badPacks?: { readonly share: number; readonly loss: number }
}

/** One pack: how many more records were right alone than packed, and how many differ. */
export interface PairedPack {
  readonly sum: number
  readonly size: number
  readonly squares: number
  readonly wrongAlone: number
}

/** Returns the true loss: how much accuracy falls by packing. */
export function trueLoss({ accuracy, lost, gained, badPacks }: PairedPacks): number {
  const bad = badPacks ? badPacks.share * badPacks.loss : 0
  return lost + (accuracy - lost) * bad - gained
}

/** Draws packs of records that were asked alone too. */
export function drawPacks(model: PairedPacks, random: () => number): PairedPack[] {
  const packs: PairedPack[] = []
  for (let read = 0; read < model.records; read += model.packSize) {
    packs.push(drawPack(model, Math.min(model.packSize, model.records - read), random))
  }
  return packs
}

function drawPack(model: PairedPacks, size: number, random: () => number): PairedPack {
  const { accuracy, lost, gained, correlation, badPacks } = model
  const loss = drawBeta(lost / accuracy, correlation, random)
  const gain = drawBeta(gained / (1 - accuracy), correlation, random)
  const isBad = badPacks !== undefined && random() < badPacks.share
  let [worse, better, wrongAlone] = [0, 0, 0]
  for (let record = 0; record < size; record++) {
    if (random() < accuracy) {
      if (random() < loss || (isBad && random() < badPacks.loss)) worse++
    } else {
      wrongAlone++
      if (random() < gain) better++
    }
  }
  return { sum: worse - better, size, squares: worse + better, wrongAlone }
}

/** Draws the chance of one pack, so that its records have this mean and correlation. */
function drawBeta(mean: number, correlation: number, random: () => number): number {
  if (correlation === 0) return mean
  const scale = (1 - correlation) / correlation
  const a = drawLogGamma(mean * scale, random)
  const b = drawLogGamma((1 - mean) * scale, random)
  return 1 / (1 + Math.exp(b - a))
}

/** The logarithm of a gamma variable (Marsaglia and Tsang 2000), since a small shape underflows. */
function drawLogGamma(shape: number, random: () => number): number {
  if (shape < 1) return drawLogGamma(shape + 1, random) + Math.log(1 - random()) / shape
  const d = shape - 1 / 3
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const v = (1 + normal / Math.sqrt(9 * d)) ** 3
    if (v > 0 && Math.log(1 - random()) < normal ** 2 / 2 + d - d * v + d * Math.log(v))
      return Math.log(d * v)
  }
}
