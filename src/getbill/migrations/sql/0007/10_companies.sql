-- Zones whose numbers a company treats as expensive: refused unless a debt accepts them, never called unasked.

ALTER TABLE companies ADD COLUMN refused_zones text[] NOT NULL DEFAULT '{}';
