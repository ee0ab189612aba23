DROP TABLE expectations;
DROP TABLE problems;
DROP TABLE slots;
DROP TABLE schedules;
